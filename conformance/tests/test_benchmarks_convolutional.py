"""The training steps of the two networks of images: every library takes the same steps, and costs are by formula."""

import math

import numpy as np
import pytest

from nnspec_conformance.benchmarks import machine
from nnspec_conformance.benchmarks.architectures.convolutional import network


@pytest.mark.parametrize("name", network.QUICK)
def test_every_library_takes_the_same_steps(name):
    programs = network.builder(network.QUICK[name])(machine.find_device("cpu"))
    losses = {who: [float(np.asarray(p.call()[2])) for _ in range(4)] for who, p in programs.items()}

    assert {"nnspec", "flax"} <= losses.keys()
    assert np.ptp(losses["nnspec"]) > 1e-3  # the weights move
    for who, values in losses.items():
        np.testing.assert_allclose(values, losses["nnspec"], rtol=1e-5, err_msg=who)


@pytest.mark.parametrize("name", network.SIZES)
def test_products_and_bytes_are_those_of_the_table_of_weights(name):
    size = network.SIZES[name]
    (workload,) = (w for w in network.workloads() if w.name == name)
    _, _, weights = network.drawn(size)
    parameters = sum(w.size for w in weights.values())
    forward = sum(row.products for row in size.counts())

    assert sum(row.parameters for row in size.counts()) == parameters
    assert 2 * size.batch * 2 * forward < workload.operations < 2 * size.batch * 3 * forward
    assert workload.least_bytes > 4 * (6 * parameters + 2 * size.batch * math.prod(size.image))


@pytest.mark.parametrize("size", [*network.SIZES.values(), *network.QUICK.values()])
def test_costs_are_those_of_the_counts_by_formula(size):
    counts = size.counts()
    products = [row.products for row in counts]
    handed_on = sum(math.prod(row.shape) for row in counts)
    assert size.cost == (sum(products), products[0], handed_on, sum(row.parameters for row in counts))


@pytest.mark.parametrize("name", network.QUICK)
def test_a_slower_step_is_explained_by_its_convolutions(name):
    size, device = network.QUICK[name], machine.find_device("cpu")
    entry = {"ratio": {"torch": 1.2}, "nnspec": {"seconds": 0.002}}

    assert network.profiler(size)(device, entry | {"ratio": {"torch": 0.9}}) is None
    note = network.profiler(size)(device, entry)
    assert note is not None
    assert note.startswith("of 2000 µs the convolutions and their gradients, each alone, take ")


@pytest.mark.parametrize("size", [*network.SIZES.values(), *network.QUICK.values()])
def test_the_convolutions_of_the_profile_are_those_of_the_network(size):
    rows = [row for row in size.counts() if row.parameters][: len(network.convolutions(size))]

    for row, ((_, *places, _), kernel, stride) in zip(rows, network.convolutions(size), strict=True):
        shape = (*(-(-n // stride) for n in places), kernel[-1])
        assert (row.shape, row.parameters) == (shape, math.prod(kernel) + kernel[-1])
