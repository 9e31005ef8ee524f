"""The training steps of autoencoders: every library takes the same steps, and costs are those of the weights."""

import numpy as np
import pytest

from nnspec_conformance.benchmarks import machine
from nnspec_conformance.benchmarks.architectures import autoencoder as dense
from nnspec_conformance.benchmarks.architectures import convolutional_autoencoder as convolutional

QUICK = {name: dense.builder(*size) for name, size in dense.QUICK.items()}
QUICK |= {name: convolutional.builder(size) for name, size in convolutional.QUICK.items()}


@pytest.mark.parametrize("name", QUICK)
def test_every_library_takes_the_same_steps(name):
    programs = QUICK[name](machine.find_device("cpu"))
    losses = {who: [float(np.asarray(p.call()[2])) for _ in range(4)] for who, p in programs.items()}

    assert {"nnspec", "flax"} <= losses.keys()
    assert np.ptp(losses["nnspec"]) > 1e-3  # the weights move
    for who, values in losses.items():
        np.testing.assert_allclose(values, losses["nnspec"], rtol=1e-5, err_msg=who)


@pytest.mark.parametrize("name", dense.SIZES)
def test_costs_are_those_of_the_weights(name):
    (workload,) = (w for w in dense.workloads() if w.name == name)
    x, weights = dense.drawn(*dense.SIZES[name])
    kernels = [w.size for w in weights.values() if w.ndim == 2]
    first = weights["encoder_kernel_0"].size
    handed_on = sum(w.size for w in weights.values() if w.ndim == 1)

    assert workload.operations == 2 * len(x) * (3 * sum(kernels) - first)
    assert workload.least_bytes == 4 * (2 * (x.size + len(x) * handed_on) + 6 * sum(w.size for w in weights.values()))


@pytest.mark.parametrize("name", convolutional.SIZES)
def test_costs_are_those_of_the_windows(name):
    (workload,) = (w for w in convolutional.workloads() if w.name == name)
    x, weights = convolutional.drawn(convolutional.SIZES[name])
    batch, side = x.shape[:2]
    # A kernel is put on each place of the smaller of its two maps: a half of the side, or a quarter.
    products = {w: weights[w].size * (side // (2 if w.endswith("0") else 4)) ** 2 for w in weights if "kernel" in w}
    results = {"encoder_bias_0": 2, "encoder_bias_1": 4, "decoder_bias_1": 2, "decoder_bias_0": 1}
    handed_on = sum(len(weights[name]) * (side // parts) ** 2 for name, parts in results.items())

    assert workload.operations == 2 * batch * (3 * sum(products.values()) - products["encoder_kernel_0"])
    parameters = sum(w.size for w in weights.values())
    assert workload.least_bytes == 4 * (2 * (x.size + batch * handed_on) + 6 * parameters)
