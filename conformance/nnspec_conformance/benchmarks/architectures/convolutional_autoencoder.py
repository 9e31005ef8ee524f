"""Training steps of a convolutional autoencoder: ours, stock Flax and PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from nnspec_conformance.benchmarks.architectures.autoencoder import of, programs
from nnspec_conformance.benchmarks.core import Program, Workload
from nnspec_conformance.benchmarks.products import Layer, profiler

SET = "convolutional_autoencoders"
ITEM = 4  # bytes of a float32
LAYERS = ("encoder 0", "encoder 1", "decoder 1", "decoder 0")  # in the order of the computation


class Size(NamedTuple):
    """What a network is made for: square images, and maps between image and code."""

    batch: int
    side: int
    channels: int
    maps: int
    code: int


SIZES = {"28 x 28, batch 64": Size(64, 28, 1, 32, 16), "64 x 64, batch 16": Size(16, 64, 3, 32, 16)}
QUICK = {"8 x 8, batch 5": Size(5, 8, 2, 3, 4)}


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """Every workload of the set."""
    for name, size in (QUICK if quick else SIZES).items():
        products, results, parameters = counted(size)
        pixels = size.side**2 * size.channels
        yield Workload(
            set=SET,
            name=name,
            direction="training step",
            size=size.batch * pixels,
            operations=2 * size.batch * (3 * sum(products) - products[0]),  # no gradient is asked for the images
            least_bytes=ITEM * (2 * size.batch * (pixels + sum(results)) + 6 * parameters),  # Adam has two tables more
            build=builder(size),
            ceiling="matmul",
            profile=profiler(as_products(size)),
        )


def as_products(size: Size) -> list[Layer]:
    """The layers as matrix products: a window is a row, and an input of a doubling gives one."""
    found = []
    for i, (n, m) in enumerate(((size.channels, size.maps), (size.maps, size.code))):
        places = size.batch * (size.side // 2 ** (i + 1)) ** 2
        found.append(Layer(places, 16 * n, m, forward=1, weights=1, inputs=i))
        found.append(Layer(places, m, 16 * n, forward=1, weights=1, inputs=1))
    return found


def counted(size: Size) -> tuple[list[int], list[int], int]:
    """Products for one image and numbers of the result, each by layer in order, and all parameters."""
    half, quarter = (size.side // 2) ** 2, (size.side // 4) ** 2
    outer, inner = 16 * size.channels * size.maps, 16 * size.maps * size.code
    there = [half * outer, quarter * inner]
    results = [half * size.maps, quarter * size.code, half * size.maps, size.side**2 * size.channels]
    parameters = 2 * (outer + inner + size.maps) + size.code + size.channels
    return [*there, *there[::-1]], results, parameters


def builder(size: Size) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        x, weights = drawn(size)
        return programs(device, x, weights, {"nnspec": ours, "flax": on_flax(size)}, on_torch)

    return build


def drawn(size: Size) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Images, and the first weights."""
    rng, weights = np.random.default_rng(size.side), {}
    sizes = size.channels, size.maps, size.code
    for layer in LAYERS:
        half, i = layer.split()
        n, m = sizes[int(i) : int(i) + 2] if half == "encoder" else sizes[int(i) : int(i) + 2][::-1]
        added = 16 * n // (1 if half == "encoder" else 4)  # 4 of 16 taps reach a place
        kernel = rng.standard_normal((4, 4, n, m), np.float32) * np.float32((2 / added) ** 0.5)
        weights |= {f"{half}_kernel_{i}": kernel, f"{half}_bias_{i}": np.zeros(m, np.float32)}
    images = rng.standard_normal((size.batch, size.side, size.side, size.channels), np.float32)
    return np.tanh(images), weights


def ours(x: Any, weights: dict) -> Any:
    """The reconstruction, on the reference."""
    from nnspec.architectures.convolutional_autoencoder import convolutional_autoencoder

    return convolutional_autoencoder(x, weights, activation="relu")[1]


def on_flax(size: Size) -> Callable:
    """The reconstruction by ``nnx.Conv`` and ``nnx.ConvTranspose``, each called with its weights."""
    import jax
    from flax import nnx

    def structure(layer: str) -> Any:
        half, i = layer.split()
        n, m = (size.channels, size.maps, size.code)[int(i) : int(i) + 2]
        given: dict[str, Any] = {"strides": 2, "padding": "SAME", "rngs": nnx.Rngs(0)}
        if half == "encoder":
            return nnx.Conv(n, m, (4, 4), **given)
        return nnx.ConvTranspose(m, n, (4, 4), transpose_kernel=True, **given)

    structures = {layer: nnx.split(nnx.eval_shape(lambda layer=layer: structure(layer)))[0] for layer in LAYERS}

    def network(x: Any, weights: dict) -> Any:
        for layer, made in structures.items():
            kernel = of(weights, layer, "kernel")
            kernel = kernel.swapaxes(2, 3) if layer.startswith("decoder") else kernel
            state = nnx.State({"kernel": nnx.Param(kernel), "bias": nnx.Param(of(weights, layer, "bias"))})
            x = nnx.merge(made, state)(x)
            x = jax.nn.relu(x) if layer in ("encoder 0", "decoder 1") else x
        return x

    return network


def on_torch(x: np.ndarray, weights: dict) -> tuple[Any, Any]:
    """PyTorch's layers, and the images as they take them."""
    import torch
    from torch import nn

    parts: list[nn.Module] = []
    for layer in LAYERS:
        kernel = torch.from_numpy(of(weights, layer, "kernel"))
        encodes = layer.startswith("encoder")
        kind: Any = nn.Conv2d if encodes else nn.ConvTranspose2d
        made = kind(*kernel.shape[2:], 4, stride=2, padding=1)
        with torch.no_grad():
            made.weight.copy_(kernel.permute((3, 2, 0, 1) if encodes else (2, 3, 0, 1)))
            made.bias.copy_(torch.from_numpy(of(weights, layer, "bias")))
        parts += [made, nn.ReLU()] if layer in ("encoder 0", "decoder 1") else [made]
    return nn.Sequential(*parts), torch.from_numpy(x).permute(0, 3, 1, 2).contiguous()
