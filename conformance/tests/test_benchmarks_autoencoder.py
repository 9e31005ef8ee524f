"""The training steps of an autoencoder: every library takes the same steps, and costs are those of the weights."""

import numpy as np
import pytest

from nnspec_conformance.benchmarks import machine
from nnspec_conformance.benchmarks.architectures import autoencoder as peers


@pytest.mark.parametrize("name", peers.QUICK)
def test_every_library_takes_the_same_steps(name):
    programs = peers.builder(*peers.QUICK[name])(machine.find_device("cpu"))
    losses = {who: [float(np.asarray(p.call()[2])) for _ in range(4)] for who, p in programs.items()}

    assert {"nnspec", "flax"} <= losses.keys()
    assert np.ptp(losses["nnspec"]) > 1e-3  # the weights move
    for who, values in losses.items():
        np.testing.assert_allclose(values, losses["nnspec"], rtol=1e-5, err_msg=who)


@pytest.mark.parametrize("name", peers.SIZES)
def test_costs_are_those_of_the_weights(name):
    (workload,) = (w for w in peers.workloads() if w.name == name)
    x, weights = peers.drawn(*peers.SIZES[name])
    kernels = [w.size for w in weights.values() if w.ndim == 2]
    first = weights["encoder_kernel_0"].size
    handed_on = sum(w.size for w in weights.values() if w.ndim == 1)

    assert workload.operations == 2 * len(x) * (3 * sum(kernels) - first)
    assert workload.least_bytes == 4 * (2 * (x.size + len(x) * handed_on) + 6 * sum(w.size for w in weights.values()))
