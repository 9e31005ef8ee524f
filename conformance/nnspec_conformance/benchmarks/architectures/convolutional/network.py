"""Training steps of the network like LeNet and of the residual network: ours, stock Flax, Keras and PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks import image_networks as peers
from nnspec_conformance.benchmarks.core import Program, Workload
from nnspec_conformance.benchmarks.peers import optimizer_step, torch_compiler, torch_place

SET = "convolutional_networks"
ITEM = 4  # bytes of a float32
RATE, OUTPUTS = 1e-3, 10
PASSES = 3  # the backward pass has two products for each one forward; for the images no gradient is asked


@dataclass(frozen=True)
class Size:
    """A network and its images.

    Attributes:
        network: ``lenet`` or ``residual``.
        batch: how many images.
        image: height, width and channels.
        maps: filters of both halves.
        cost: of one image, for a test holds them to ``counts``: products of the forward pass, those of the first layer,
            numbers that the layers hand on, and parameters. Listing workloads imports no framework.
    """

    network: str
    batch: int
    image: tuple[int, int, int]
    maps: tuple[int, int]
    cost: tuple[int, int, int, int]

    def counts(self) -> list[Any]:
        """What each layer hands on, holds and computes, for one image."""
        from nnspec.architectures.convolutional.network_lenet import lenet_counts
        from nnspec.architectures.convolutional.residual_network import residual_network_counts

        if self.network == "lenet":
            return lenet_counts(self.image, OUTPUTS, maps=self.maps, hidden=peers.HIDDEN, window=peers.WINDOW)
        return residual_network_counts(self.image, OUTPUTS, maps=self.maps)

    @property
    def products(self) -> int:
        """How many products the forward and the backward pass have; none for the gradient of the images."""
        forward, first, _, _ = self.cost
        return self.batch * (PASSES * forward - first)


SIZES = {
    "LeNet, 28 x 28": Size("lenet", 64, (28, 28, 1), (6, 16), (567_648, 107_736, 9_894, 69_362)),
    "residual network, 32 x 32": Size("residual", 32, (32, 32, 3), (16, 32), (8_377_344, 424_128, 73_770, 19_850)),
}
QUICK = {
    "LeNet, 9 x 8": Size("lenet", 2, (9, 8, 1), (2, 3), (5_676, 2_652, 330, 2_147)),
    "residual network, 6 x 7": Size("residual", 2, (6, 7, 3), (2, 3), (5_468, 1_824, 373, 322)),
}


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """Every workload of the set."""
    for name, size in (QUICK if quick else SIZES).items():
        _, _, handed_on, parameters = size.cost
        numbers = size.batch * (int(np.prod(size.image)) + handed_on)
        yield Workload(
            set=SET,
            name=name,
            direction="training step",
            size=size.batch * int(np.prod(size.image)),
            operations=2 * size.products,
            least_bytes=ITEM * (2 * numbers + 6 * parameters),  # Adam has two tables more
            build=builder(size),
            ceiling="matmul",
        )


def builder(size: Size) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        import jax
        import optax

        x, labels, weights = drawn(size)

        def loss_of(network: Callable) -> Callable:
            def loss(weights: Any, x: Any, labels: Any) -> Any:
                return optax.softmax_cross_entropy_with_integer_labels(network(x, weights), labels).mean()

            return jax.value_and_grad(loss)

        networks = {"nnspec": peers.ours(size.network), "flax": peers.on_flax(size.network, x.shape)}
        if (keras := peers.on_keras(size.network, x.shape, size.maps, OUTPUTS)) is not None:
            networks["keras"] = keras
        found = {
            name: optimizer_step(optax.adam(RATE), loss_of(network), weights, x, labels, device=device)
            for name, network in networks.items()
        }
        if place := torch_place(device):
            given = size.network, x, labels, weights, RATE, place
            found["torch"] = peers.torch_step(*given)
            found["torch, channels last"] = peers.torch_step(*given, last=True)
            if compiler := torch_compiler():
                found["torch compiled"] = peers.torch_step(*given, through=compiler)
        return found

    return build


def drawn(size: Size) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Images, the class of each, and the first weights."""
    rng = np.random.default_rng(size.batch)
    x = rng.standard_normal((size.batch, *size.image), np.float32)
    labels = rng.integers(0, OUTPUTS, size.batch).astype(np.int32)
    weights, channels, (first, last) = {}, size.image[-1], size.maps
    if size.network == "lenet":
        k, features = peers.WINDOW, (size.image[0] // 4) * (size.image[1] // 4) * last
        shapes = [(k, k, channels, first), (k, k, first, last), (features, peers.HIDDEN), (peers.HIDDEN, OUTPUTS)]
    else:
        shapes = [(3, 3, channels, first), *[(3, 3, first, first)] * 2, (3, 3, first, last), (3, 3, last, last)]
        shapes += [(1, 1, first, last), (last, OUTPUTS)]
    for i, shape in enumerate(shapes):
        scale = np.float32((2 / np.prod(shape[:-1])) ** 0.5)
        weights[f"kernel_{i}"] = scale * rng.standard_normal(shape, np.float32)
        weights[f"bias_{i}"] = np.zeros(shape[-1], np.float32)
    return x, labels, weights
