"""Training steps of the network like LeNet and of the residual network: ours, stock Flax, Keras and PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks import image_networks as peers
from nnspec_conformance.benchmarks.core import Program, Workload, compiled, interleave
from nnspec_conformance.benchmarks.peers import optimizer_step, torch_compiler, torch_place, waiting

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
            profile=profiler(size),
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


def convolutions(size: Size) -> list[tuple[tuple[int, ...], tuple[int, ...], int]]:
    """Shape of the input and of the kernel of each convolution, and its stride; each has half its window of zeros."""
    _, _, weights = drawn(size)
    kernels = [w.shape for w in weights.values() if w.ndim == 4]
    (height, width, _), half = size.image, [-(-n // 2) for n in size.image[:2]]
    if size.network == "lenet":
        places = [(height, width), (height // 2, width // 2)]
    else:
        places = [(height, width)] * 4 + [tuple(half), (height, width)]
    strides = [2 if size.network == "residual" and i in (3, 5) else 1 for i in range(len(kernels))]
    return [((size.batch, *p, k[2]), k, s) for p, k, s in zip(places, kernels, strides, strict=True)]


def profiler(size: Size) -> Callable[[Any, dict[str, Any]], str | None]:
    """Where ours takes longer than a peer: its convolutions alone, products of matrices as large, and PyTorch's."""

    def profile(device: Any, entry: dict[str, Any]) -> str | None:
        if all(ratio <= 1 for ratio in entry["ratio"].values()):
            return None
        calls: dict[str, Callable[[], Any]] = {}
        times = {}  # a product in the forward pass, one for the kernel, and but for the first layer one for the maps
        for i, given in enumerate(convolutions(size)):
            calls[f"ours {i}"] = convolution_of_ours(*given, device, whole=i > 0)
            calls[f"products {i}"], times[f"products {i}"] = product(*given, device), 3 if i else 2
            if place := torch_place(device):
                calls[f"torch {i}"] = convolution_of_torch(*given, place, whole=i > 0)
        seconds = interleave(calls, rounds=7)
        micro: dict[str, float] = {}
        for name, each in seconds.items():
            who = name.split()[0]
            micro[who] = micro.get(who, 0) + 1e6 * each * times.get(name, 1)
        rest = f", and in PyTorch {micro['torch']:.0f}" if "torch" in micro else ""
        return (
            f"of {1e6 * entry['nnspec']['seconds']:.0f} µs the convolutions and their gradients, each alone, take "
            f"{micro['ours']:.0f}; matrix products with as many products take {micro['products']:.0f}{rest}"
        )

    return profile


def product(x: tuple[int, ...], kernel: tuple[int, ...], stride: int, device: Any) -> Callable[[], Any]:
    """A product of matrices that is as large as the convolution."""
    import jax
    import jax.numpy as jnp

    rows, (*read, filters) = x[0] * -(-x[1] // stride) * -(-x[2] // stride), kernel
    shapes = (rows, int(np.prod(read))), (int(np.prod(read)), filters)
    return compiled(jnp.matmul, *(jax.device_put(jnp.ones(shape), device) for shape in shapes)).call


def convolution_of_ours(
    x: tuple[int, ...], kernel: tuple[int, ...], stride: int, device: Any, *, whole: bool
) -> Callable[[], Any]:
    """A convolution of the reference with its gradients; of the first layer none for the images."""
    import jax
    import jax.numpy as jnp

    from nnspec.architectures.convolutional.convolution import convolution_2d

    def forward(x: Any, kernel: Any) -> Any:
        pads = tuple((k - 1) // 2 for k in kernel.shape[:2] for _ in (0, 1))
        return convolution_2d(x, kernel, padding="valid", pads=pads, stride=(stride, stride))

    def both(x: Any, kernel: Any) -> tuple:
        if whole:
            y, pull = jax.vjp(forward, x, kernel)
        else:
            y, pull = jax.vjp(lambda kernel: forward(x, kernel), kernel)
        return y, *pull(y)

    return compiled(both, *(jax.device_put(jnp.ones(shape), device) for shape in (x, kernel))).call


def convolution_of_torch(
    x: tuple[int, ...], kernel: tuple[int, ...], stride: int, place: str, *, whole: bool
) -> Callable[[], Any]:
    """The same in PyTorch."""
    import torch
    from torch.nn import functional

    (batch, *places, channels), (*window, _, filters) = x, kernel
    images = torch.ones((batch, channels, *places), device=place, requires_grad=whole)
    weights = torch.ones((filters, channels, *window), device=place, requires_grad=True)
    leaves = [images, weights] if whole else [weights]

    def both() -> tuple:
        y = functional.conv2d(images, weights, stride=stride, padding=(window[0] - 1) // 2)
        return y.detach(), *torch.autograd.grad(y, leaves, y.detach())

    return waiting(both, place)
