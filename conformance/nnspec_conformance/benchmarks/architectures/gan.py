"""Alternating steps of a convolutional generator and discriminator: ours, stock Flax and Optax, and PyTorch."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload, compiled
from nnspec_conformance.benchmarks.peers import torch_compiler, torch_place, waiting
from nnspec_conformance.benchmarks.products import Layer, profiler

SET = "adversarial_pair"
ITEM = 4  # bytes of a float32
RATE, BETA1 = 2e-4, 0.5


class Size(NamedTuple):
    """What a pair is made for: the discriminator has the generator's maps in the other order."""

    batch: int
    side: int
    channels: int
    latent: int
    maps: tuple[int, ...]


SIZES = {
    "28 x 28, batch 64": Size(64, 28, 1, 64, (128, 64)),
    "64 x 64, batch 16": Size(16, 64, 3, 100, (256, 128, 64, 32)),
}
QUICK = {"8 x 8, batch 5": Size(5, 8, 2, 3, (4, 3))}


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """Every workload of the set."""
    for name, size in (QUICK if quick else SIZES).items():
        products, results, parameters = counted(size)
        generator, discriminator = (sum(part) for part in products)
        pixels = size.side**2 * size.channels
        kept = sum(results[0]) + pixels + 3 * sum(results[1])  # for the backward passes
        yield Workload(
            set=SET,
            name=name,
            direction="training step",
            size=size.batch * pixels,
            # Made samples without a gradient, then with one; real and made ones judged and learned from, then judged.
            operations=2 * size.batch * (4 * generator - products[0][0] + 8 * discriminator - 2 * products[1][0]),
            least_bytes=ITEM * (size.batch * (pixels + 2 * size.latent + 2 * kept) + 6 * parameters),
            build=builder(size),
            ceiling="matmul",
            profile=profiler(as_products(size)),
        )


def as_products(size: Size) -> list[Layer]:
    """The layers as matrix products: a window is a row, and an input of a doubling gives one."""
    smallest, found = size.side // 2 ** len(size.maps), []
    wide = smallest**2 * size.maps[0]
    # A step makes samples twice, and learns from the second ones.
    found.append(Layer(size.batch, size.latent, wide, forward=2, weights=1, inputs=0))
    # It judges real samples, and made ones twice, which the generator learns from.
    found.append(Layer(size.batch, wide, 1, forward=3, weights=2, inputs=3))
    for i, (n, m) in enumerate(itertools.pairwise((*size.maps, size.channels))):
        places = size.batch * (smallest * 2**i) ** 2
        last = (
            i == len(size.maps) - 1
        )  # and the discriminator's first, whose samples learn from the generator's loss alone
        found.append(Layer(places, n, 16 * m, forward=2, weights=1, inputs=1))
        found.append(Layer(places, 16 * m, n, forward=3, weights=2, inputs=1 if last else 3))
    return found


def counted(size: Size) -> tuple[tuple[list[int], list[int]], tuple[list[int], list[int]], int]:
    """Products for one image and numbers of the result by layer, of generator and discriminator; all parameters."""
    smallest = size.side // 2 ** len(size.maps)
    wide = smallest**2 * size.maps[0]
    doublings = list(itertools.pairwise((*size.maps, size.channels)))
    windows = [(smallest * 2**i) ** 2 * 16 * n * m for i, (n, m) in enumerate(doublings)]
    maps = [(smallest * 2**i) ** 2 * n for i, (n, _) in enumerate(doublings)]
    parameters = 2 * sum(16 * n * m for n, m in doublings) + (size.latent + 2) * wide
    parameters += 2 * sum(size.maps) - size.maps[0] + size.channels + 1  # biases: the widest one is counted above
    return ([size.latent * wide, *windows], [*windows[::-1], wide]), (maps, maps[::-1]), parameters


def builder(size: Size) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        tables, data = drawn(size)
        found = {
            "nnspec": on_jax(tables, data, ours(size), device),
            "flax": on_jax(tables, data, stock(size), device),
        }
        if place := torch_place(device):
            found["torch"] = on_torch(size, tables, data, place)
            if compiler := torch_compiler():
                found["torch compiled"] = on_torch(size, tables, data, place, through=compiler)
        return found

    return build


def drawn(size: Size) -> tuple[tuple[dict, dict], tuple[np.ndarray, ...]]:
    """The tables of both networks; real images and noise for both halves of the step."""
    rng = np.random.default_rng(size.side)
    wide = (size.side // 2 ** len(size.maps)) ** 2 * size.maps[0]

    def table(shapes: list[tuple[int, ...]], shares: list[int]) -> dict[str, np.ndarray]:
        found = {}
        for i, (shape, share) in enumerate(zip(shapes, shares, strict=True)):
            scale = np.float32((2 * share / np.prod(shape[:-1])) ** 0.5)
            found[f"kernel_{i}"] = rng.standard_normal(shape, np.float32) * scale
            found[f"bias_{i}"] = np.zeros(shape[-1], np.float32)
        return found

    up = [(4, 4, *pair) for pair in itertools.pairwise((*size.maps, size.channels))]
    down = [(4, 4, *pair) for pair in itertools.pairwise((size.channels, *size.maps[::-1]))]
    generator = table([(size.latent, wide), *up], [1] + [4] * len(up))
    discriminator = table([*down, (wide, 1)], [1] * (len(down) + 1))
    real = np.tanh(rng.standard_normal((size.batch, size.side, size.side, size.channels), np.float32))
    noise = rng.standard_normal((2, size.batch, size.latent), np.float32)
    return (generator, discriminator), (real, noise[0], noise[1])


# ---- on JAX


def on_jax(tables: tuple, data: tuple, step: Callable, device: Any) -> Program:
    """A step, compiled, which overwrites both tables and both states."""
    import jax
    import jax.numpy as jnp
    import optax

    optimizer = optax.adam(RATE, b1=BETA1)
    start, *given = jax.device_put((jax.tree.map(jnp.asarray, tables), *data), device)
    state = tuple(optimizer.init(table) for table in start)
    return compiled(lambda *given: step(optimizer, *given), start, state, *given, donated=2)


def ours(size: Size) -> Callable:
    """The step of the reference, with its pair and its losses."""
    from nnspec.architectures.convolutional_gan import convolutional_discriminator, convolutional_generator
    from nnspec.architectures.gan import Players, gan_step

    def generate(weights: Any, noise: Any) -> Any:
        return convolutional_generator(noise, weights, size=(size.side, size.side))

    def discriminate(weights: Any, x: Any) -> Any:
        return convolutional_discriminator(x, weights)

    def step(optimizer: Any, tables: Any, states: Any, real: Any, *noise: Any) -> tuple:
        game, losses = gan_step(
            Players(*tables, *states), real, (noise[0], noise[1]), generate=generate, discriminate=discriminate,
            optimizers=(optimizer, optimizer),
        )  # fmt: skip
        return game[:2], game[2:], losses[0] + losses[1]

    return step


def stock(size: Size) -> Callable:
    """Stock layers of Flax, the losses of Optax, and the two halves written one after the other."""
    import jax
    import jax.numpy as jnp
    import optax
    from flax import nnx

    def structure(make: Callable) -> Any:
        """The structure of a layer, without drawing its first weights."""
        return nnx.split(nnx.eval_shape(make))[0]

    given: dict[str, Any] = {"strides": 2, "padding": "SAME"}
    linear = structure(lambda: nnx.Linear(1, 1, rngs=nnx.Rngs(0)))
    up = structure(lambda: nnx.ConvTranspose(1, 1, (4, 4), transpose_kernel=True, rngs=nnx.Rngs(0), **given))
    down = structure(lambda: nnx.Conv(1, 1, (4, 4), rngs=nnx.Rngs(0), **given))
    smallest, depth = size.side // 2 ** len(size.maps), len(size.maps)

    def layer(kind: Any, weights: Any, i: int, x: Any) -> Any:
        kernel = weights[f"kernel_{i}"]
        kernel = kernel.swapaxes(2, 3) if kind is up else kernel
        return nnx.merge(kind, nnx.State({"kernel": nnx.Param(kernel), "bias": nnx.Param(weights[f"bias_{i}"])}))(x)

    def generate(weights: Any, noise: Any) -> Any:
        a = jax.nn.relu(layer(linear, weights, 0, noise)).reshape(-1, smallest, smallest, size.maps[0])
        for i in range(1, depth + 1):
            z = layer(up, weights, i, a)
            a = jax.nn.relu(z) if i < depth else jnp.tanh(z)
        return a

    def discriminate(weights: Any, x: Any) -> Any:
        for i in range(depth):
            x = jax.nn.leaky_relu(layer(down, weights, i, x), 0.2)
        return layer(linear, weights, depth, x.reshape(len(x), -1))[:, 0]

    def loss(logits: Any, label: float) -> Any:
        return optax.losses.sigmoid_binary_cross_entropy(logits, jnp.full_like(logits, label)).mean()

    def step(optimizer: Any, tables: Any, states: Any, real: Any, *noise: Any) -> tuple:
        generator, discriminator = tables

        def told_apart(weights: Any) -> Any:
            return loss(discriminate(weights, real), 1.0) + loss(
                discriminate(weights, generate(generator, noise[0])), 0.0
            )

        first, g = jax.value_and_grad(told_apart)(discriminator)
        change, second_state = optimizer.update(g, states[1], discriminator)
        discriminator = optax.apply_updates(discriminator, change)

        def passed_off(weights: Any) -> Any:
            return loss(discriminate(discriminator, generate(weights, noise[1])), 1.0)

        second, g = jax.value_and_grad(passed_off)(generator)
        change, first_state = optimizer.update(g, states[0], generator)
        return (optax.apply_updates(generator, change), discriminator), (first_state, second_state), first + second

    return step


# ---- on PyTorch


def on_torch(size: Size, tables: tuple, data: tuple, place: str, *, through: Callable = lambda f: f) -> Program:
    """PyTorch's layers, its losses by logit and its fused Adam, one for each network."""
    import torch
    from torch import nn
    from torch.nn.functional import binary_cross_entropy_with_logits

    smallest = size.side // 2 ** len(size.maps)

    def held(layer: Any, table: dict, i: int) -> Any:
        kernel = torch.from_numpy(table[f"kernel_{i}"])
        if kernel.ndim == 4:
            order = (2, 3, 0, 1) if layer.transposed else (3, 2, 0, 1)
            kernel = kernel.permute(order)
        else:
            kernel = kernel.T
        with torch.no_grad():
            layer.weight.copy_(kernel)
            layer.bias.copy_(torch.from_numpy(table[f"bias_{i}"]))
        return layer

    class Permuted(nn.Module):
        """The axes in another order."""

        def __init__(self, *order: int) -> None:
            super().__init__()
            self.order = order

        def forward(self, x: Any) -> Any:
            return x.permute(self.order)

    up = list(itertools.pairwise((*size.maps, size.channels)))
    parts: list[nn.Module] = [held(nn.Linear(size.latent, smallest**2 * size.maps[0]), tables[0], 0), nn.ReLU()]
    parts += [nn.Unflatten(1, (smallest, smallest, size.maps[0])), Permuted(0, 3, 1, 2)]
    for i, (n, m) in enumerate(up, 1):
        parts += [held(nn.ConvTranspose2d(n, m, 4, stride=2, padding=1), tables[0], i)]
        parts += [nn.ReLU() if i < len(up) else nn.Tanh()]
    generator = nn.Sequential(*parts).to(place)
    parts = []
    for i, (n, m) in enumerate(itertools.pairwise((size.channels, *size.maps[::-1]))):
        parts += [held(nn.Conv2d(n, m, 4, stride=2, padding=1), tables[1], i), nn.LeakyReLU(0.2)]
    parts += [Permuted(0, 2, 3, 1), nn.Flatten(), held(nn.Linear(smallest**2 * size.maps[0], 1), tables[1], len(up))]
    discriminator = nn.Sequential(*parts).to(place)
    real, *noise = (torch.from_numpy(part).to(place) for part in data)
    real = real.permute(0, 3, 1, 2).contiguous()
    optimizers = [
        torch.optim.Adam(net.parameters(), RATE, betas=(BETA1, 0.999), fused=True) for net in (generator, discriminator)
    ]
    ones, zeros = torch.ones(size.batch, 1, device=place), torch.zeros(size.batch, 1, device=place)

    def told_apart() -> Any:
        with torch.no_grad():
            fake = generator(noise[0])
        of_real = binary_cross_entropy_with_logits(discriminator(real), ones)
        return of_real + binary_cross_entropy_with_logits(discriminator(fake), zeros)

    def passed_off() -> Any:
        return binary_cross_entropy_with_logits(discriminator(generator(noise[1])), ones)

    halves = [(through(told_apart), discriminator, optimizers[1]), (through(passed_off), generator, optimizers[0])]

    def step() -> tuple[list[Any], None, Any]:
        losses = []
        for half, net, optimizer in halves:
            optimizer.zero_grad()
            loss = half()
            loss.backward(inputs=list(net.parameters()))
            optimizer.step()
            losses.append(loss.detach())
        return [p.detach() for net in (generator, discriminator) for p in net.parameters()], None, sum(losses)

    return Program(call=waiting(step, place))
