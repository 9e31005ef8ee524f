"""The alternating steps of a pair: every library takes the same steps, and costs are those of the weights."""

import numpy as np
import pytest

from nnspec_conformance.benchmarks import machine
from nnspec_conformance.benchmarks.architectures import gan as peers


@pytest.mark.parametrize("name", peers.QUICK)
def test_every_library_takes_the_same_steps(name):
    programs = peers.builder(peers.QUICK[name])(machine.find_device("cpu"))
    losses = {who: [float(np.asarray(p.call()[2])) for _ in range(4)] for who, p in programs.items()}

    assert {"nnspec", "flax"} <= losses.keys()
    assert np.ptp(losses["nnspec"]) > 1e-4  # the weights move
    for who, values in losses.items():
        np.testing.assert_allclose(values, losses["nnspec"], rtol=1e-5, err_msg=who)


@pytest.mark.parametrize("size", peers.SIZES.values(), ids=str)
def test_costs_are_those_of_the_weights(size):
    tables, _ = peers.drawn(size)
    products, results, parameters = peers.counted(size)

    assert parameters == sum(w.size for table in tables for w in table.values())
    for table, of_layers in zip(tables, products, strict=True):
        kernels = [w for name, w in table.items() if "kernel" in name]
        for kernel, count in zip(kernels, of_layers, strict=True):
            assert count % kernel.size == 0  # a window of 4 x 4 is put on so many places
            places = count // kernel.size
            assert places == 1 if kernel.ndim == 2 else places**0.5 in (4, 7, 8, 14, 16, 32)
    assert results[0] == results[1][::-1]
