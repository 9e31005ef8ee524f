"""The products of a step alone: as many operations as the step is said to have, and a line where a peer is faster."""

import pytest

from nnspec_conformance.benchmarks import machine, products
from nnspec_conformance.benchmarks.architectures import autoencoder, convolutional_autoencoder, gan

SETS = {
    "adversarial_pair": (gan, lambda size: gan.as_products(size)),
    "convolutional_autoencoders": (convolutional_autoencoder, lambda size: convolutional_autoencoder.as_products(size)),
    "autoencoders": (autoencoder, lambda size: autoencoder.as_products(*size)),
}


@pytest.mark.parametrize("name", SETS)
def test_products_are_the_operations_of_the_workload(name):
    module, layers = SETS[name]
    for workload in module.workloads():
        made = layers(module.SIZES[workload.name])
        assert sum(layer.operations for layer in made) == workload.operations


def test_where_a_peer_is_faster_the_products_alone_are_told():
    profile = products.profiler([products.Layer(2, 3, 4, forward=1, weights=1, inputs=1)])
    entry = {"nnspec": {"seconds": 0.002}, "peers": {"torch": {"seconds": 0.001}}, "ratio": {"torch": 2.0}}
    told = str(profile(machine.find_device("cpu"), entry))

    assert told.startswith("of 2.00 ms, 1.00 of the fastest peer, the products of all layers as matrices take ")
    assert "ms in XLA" in told
    assert profile(machine.find_device("cpu"), entry | {"ratio": {"torch": 0.5}}) is None
