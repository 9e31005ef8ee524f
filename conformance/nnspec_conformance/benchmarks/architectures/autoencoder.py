"""Training steps of a dense autoencoder: ours, stock Flax and PyTorch."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload
from nnspec_conformance.benchmarks.peers import optimizer_step, torch_compiler, torch_optimizer_step, torch_place
from nnspec_conformance.benchmarks.products import Layer, profiler

SET = "autoencoders"
ITEM = 4  # bytes of a float32
RATE = 1e-3
# Batch, inputs, units of each hidden layer of the encoder, code.
SIZES = {"784-256-64-16, batch 64": (64, (784, 256, 64, 16)), "784-256-64-16, batch 512": (512, (784, 256, 64, 16))}
QUICK = {"12-6-3, batch 5": (5, (12, 6, 3))}


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """Every workload of the set."""
    for name, (batch, widths) in (QUICK if quick else SIZES).items():
        pairs = list(itertools.pairwise(widths))
        products = 2 * sum(n * m for n, m in pairs)  # there and back
        handed_on = 2 * sum(widths[1:-1]) + widths[-1] + widths[0]
        parameters = products + sum(n + m for n, m in pairs)
        yield Workload(
            set=SET,
            name=name,
            direction="training step",
            size=batch * widths[0],
            operations=2 * batch * (3 * products - widths[0] * widths[1]),  # no gradient is asked for the input
            least_bytes=ITEM * (2 * batch * (widths[0] + handed_on) + 6 * parameters),  # Adam has two tables more
            build=builder(batch, widths),
            ceiling="matmul",
            profile=profiler(as_products(batch, widths)),
        )


def as_products(batch: int, widths: tuple[int, ...]) -> list[Layer]:
    """The layers as matrix products, there and back."""
    pairs = list(itertools.pairwise(widths))
    there = [Layer(batch, n, m, forward=1, weights=1, inputs=int(i > 0)) for i, (n, m) in enumerate(pairs)]
    return there + [Layer(batch, m, n, forward=1, weights=1, inputs=1) for n, m in pairs]


def builder(batch: int, widths: tuple[int, ...]) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        x, weights = drawn(batch, widths)
        return programs(device, x, weights, {"nnspec": ours, "flax": on_flax(widths)}, on_torch)

    return build


def programs(
    device: Any, x: np.ndarray, weights: dict, networks: dict[str, Callable], torch_network: Callable
) -> dict[str, Program]:
    """A step of Adam by library, for the squared error of a reconstruction, added up over all axes but the first.

    Args:
        device: the JAX device; PyTorch runs on one of the same kind.
        x: what is encoded and given back.
        weights: the first parameters.
        networks: by the name of a library of JAX the function of ``x`` and weights that gives the reconstruction.
        torch_network: makes a module of ``x`` and weights, and gives it with the data as it takes them.
    """
    import jax
    import optax

    def loss_of(network: Callable) -> Callable:
        def loss(weights: Any, x: Any) -> Any:
            return ((network(x, weights) - x) ** 2).sum(tuple(range(1, x.ndim))).mean()

        return jax.value_and_grad(loss)

    found = {
        name: optimizer_step(optax.adam(RATE), loss_of(network), weights, x, device=device)
        for name, network in networks.items()
    }
    if place := torch_place(device):
        found["torch"] = torch_program(torch_network(x, weights), place)
        if compiler := torch_compiler():
            found["torch compiled"] = torch_program(torch_network(x, weights), place, through=compiler)
    return found


def torch_program(made: tuple[Any, Any], place: str, *, through: Callable = lambda f: f) -> Program:
    """The same step of a module of PyTorch on its data, with its fused Adam."""
    import torch

    network, data = (part.to(place) for part in made)
    loss = through(lambda data: ((network(data) - data) ** 2).sum(tuple(range(1, data.ndim))).mean())

    def backward() -> Any:
        value = loss(data)
        value.backward()
        return value.detach()

    return torch_optimizer_step(torch.optim.Adam(network.parameters(), RATE, fused=True), backward, place)


def drawn(batch: int, widths: tuple[int, ...]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Inputs, and the first weights."""
    rng, weights = np.random.default_rng(batch), {}
    for i, (n, m) in enumerate(itertools.pairwise(widths)):
        for half, (a, b) in {"encoder": (n, m), "decoder": (m, n)}.items():
            weights[f"{half}_kernel_{i}"] = rng.standard_normal((a, b), np.float32) * np.float32((2 / a) ** 0.5)
            weights[f"{half}_bias_{i}"] = np.zeros(b, np.float32)
    return rng.standard_normal((batch, widths[0]), np.float32), weights


def ours(x: Any, weights: dict) -> Any:
    """The reconstruction, on the reference."""
    from nnspec.architectures.autoencoder import autoencoder

    return autoencoder(x, weights, activation="relu")[1]


def in_order(depth: int) -> list[str]:
    """The layers from input to reconstruction, by the ends of their names."""
    return [f"encoder {i}" for i in range(depth)] + [f"decoder {i}" for i in reversed(range(depth))]


def of(weights: dict, layer: str, part: str) -> Any:
    """An array of a layer of the table."""
    half, i = layer.split()
    return weights[f"{half}_{part}_{i}"]


def on_flax(widths: tuple[int, ...]) -> Callable:
    """The reconstruction by ``nnx.Linear``, each called with its weights."""
    import jax
    from flax import nnx

    depth, structures = len(widths) - 1, {}
    for layer in in_order(depth):
        i = int(layer.split()[1])
        n, m = widths[i : i + 2] if layer.startswith("encoder") else widths[i : i + 2][::-1]
        structures[layer] = nnx.split(nnx.eval_shape(lambda n=n, m=m: nnx.Linear(n, m, rngs=nnx.Rngs(0))))[0]

    def network(x: Any, weights: dict) -> Any:
        for at, (layer, structure) in enumerate(structures.items()):
            state = nnx.State({part: nnx.Param(of(weights, layer, part)) for part in ("kernel", "bias")})
            x = nnx.merge(structure, state)(x)
            x = x if at in (depth - 1, 2 * depth - 1) else jax.nn.relu(x)
        return x

    return network


def on_torch(x: np.ndarray, weights: dict) -> tuple[Any, Any]:
    """PyTorch's layers, and the data."""
    import torch
    from torch import nn

    depth = len(weights) // 4
    parts: list[nn.Module] = []
    for at, layer in enumerate(in_order(depth)):
        kernel = torch.from_numpy(of(weights, layer, "kernel"))
        linear = nn.Linear(kernel.shape[0], kernel.shape[1])
        with torch.no_grad():
            linear.weight.copy_(kernel.T)
            linear.bias.copy_(torch.from_numpy(of(weights, layer, "bias")))
        parts += [linear] if at in (depth - 1, 2 * depth - 1) else [linear, nn.ReLU()]
    return nn.Sequential(*parts), torch.from_numpy(x)
