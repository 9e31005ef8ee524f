"""A dense layer and the training step of a multilayer perceptron: ours, stock Flax's and PyTorch's, over three sizes.

Everything is square, n examples of n features through layers of n units, so that one size says it all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload, compiled, interleave
from nnspec_conformance.benchmarks.peers import (
    optimizer_step,
    torch_compiler,
    torch_optimizer_step,
    torch_place,
    waiting,
)

SET = "layers"
SIDES = (64, 256, 1024)
QUICK_SIDES = (64,)
FORWARD, BOTH, STEP = "forward", "forward+backward", "training step"
DEPTH = 3  # layers of the perceptron
RATE = 1e-3
ITEM = 4  # bytes of a float32
ADAM = 14  # operations a parameter: moments 3 and 4, corrections 2, root, sum, quotient, times rate, subtract


def products(direction: str) -> int:
    """Matrix products of n by n: one a layer forward, two backward, but for the data no gradient is asked in a step."""
    return {FORWARD: 1, BOTH: 3, STEP: 3 * DEPTH - 1}[direction]


def operations(side: int, direction: str) -> int:
    """Products with their sums, biases, and, of a step, activations, loss and optimizer."""
    count = products(direction) * (2 * side - 1) * side**2
    if direction == STEP:
        hidden, bias, loss = 2 * (DEPTH - 1), 2 * DEPTH - 1 / side, 4
        return round(count + (hidden + bias + loss) * side**2 + ADAM * DEPTH * (side**2 + side))
    return count + side**2 + (side * (side - 1) if direction == BOTH else 0)


def least_bytes(side: int, direction: str) -> int:
    """Everything read and written once: arrays of side**2, and biases."""
    square, bias = side**2, side
    if direction == STEP:  # data and targets read; parameters and two moments read and written
        return ITEM * (2 * square + 6 * DEPTH * (square + bias))
    forward = 3 * square + bias
    return ITEM * (forward if direction == FORWARD else forward + 3 * square + bias)


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """Every workload of the set, small sizes first."""
    for side in QUICK_SIDES if quick else SIDES:
        for name, direction in (("dense", FORWARD), ("dense", BOTH), ("mlp", STEP)):
            yield Workload(
                set=SET,
                name=name,
                direction=direction,
                size=side**2,
                operations=operations(side, direction),
                least_bytes=least_bytes(side, direction),
                build=builder(side, direction),
                ceiling="matmul",
                profile=profiler(side, direction),
            )


def builder(side: int, direction: str) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        make = step_programs if direction == STEP else dense_programs
        return make(side, direction, device)

    return build


def draws(side: int) -> tuple[np.ndarray, ...]:
    """Data, targets or cotangent, and a kernel of variance 1/n for each layer."""
    rng = np.random.default_rng(side)
    x, g = (rng.standard_normal((side, side), np.float32) for _ in range(2))
    return x, g, *(rng.standard_normal((side, side), np.float32) / np.float32(side**0.5) for _ in range(DEPTH))


def dense_programs(side: int, direction: str, device: Any) -> dict[str, Program]:
    """x W + b, and its three gradients."""
    import jax
    from flax import nnx

    from nnspec.components.layers import dense

    x, g, kernel, *_ = draws(side)
    bias = np.linspace(-1, 1, side, dtype=np.float32)
    structure = nnx.split(nnx.eval_shape(lambda: nnx.Linear(side, side, rngs=nnx.Rngs(0))))[0]

    def stock(x: Any, kernel: Any, bias: Any) -> Any:
        return nnx.merge(structure, nnx.State({"kernel": nnx.Param(kernel), "bias": nnx.Param(bias)}))(x)

    def with_gradients(f: Callable) -> Callable:
        def both(x: Any, kernel: Any, bias: Any, g: Any) -> Any:
            y, pull = jax.vjp(f, x, kernel, bias)
            return y, *pull(g)

        return both

    given = [jax.device_put(a, device) for a in (x, kernel, bias, *([g] if direction == BOTH else []))]
    functions = {"nnspec": dense, "flax": stock}
    found = {k: compiled(with_gradients(f) if direction == BOTH else f, *given) for k, f in functions.items()}
    if place := torch_place(device):
        found["torch"] = torch_dense(x, kernel, bias, g, direction, place)
    return found


def step_programs(side: int, direction: str, device: Any) -> dict[str, Program]:
    """Mean squared error of an n-n-n-n network with ReLU, its gradients, and Adam's update, parameters overwritten."""
    import jax
    import jax.numpy as jnp
    import optax
    from flax import nnx

    from nnspec.components.layers import mlp

    x, target, *kernels = draws(side)
    table = {f"kernel_{i}": kernel for i, kernel in enumerate(kernels)}
    table |= {f"bias_{i}": np.zeros(side, np.float32) for i in range(DEPTH)}
    optimizer = optax.adam(RATE)

    def ours(weights: Any, x: Any, target: Any) -> Any:
        return jnp.mean((mlp(x, weights, activation="relu") - target) ** 2)

    def network() -> nnx.Sequential:
        layers = [part for _ in range(DEPTH) for part in (nnx.Linear(side, side, rngs=nnx.Rngs(0)), jax.nn.relu)]
        return nnx.Sequential(*layers[:-1])

    structure = nnx.split(nnx.eval_shape(network))[0]

    def stock(weights: Any, x: Any, target: Any) -> Any:
        return jnp.mean((nnx.merge(structure, weights)(x) - target) ** 2)

    named = {
        2 * i: {"kernel": nnx.Param(table[f"kernel_{i}"]), "bias": nnx.Param(table[f"bias_{i}"])} for i in range(3)
    }
    starts = {"nnspec": (ours, table), "flax": (stock, nnx.State({"layers": named}))}
    found = {}
    for name, (loss, weights) in starts.items():
        found[name] = optimizer_step(optimizer, jax.value_and_grad(loss), weights, x, target, device=device)
    if place := torch_place(device):
        found["torch"] = torch_step(x, target, kernels, place, through=lambda f: f)
        if compiler := torch_compiler():
            found["torch compiled"] = torch_step(x, target, kernels, place, through=compiler)
    return found


def profiler(side: int, direction: str) -> Callable[[Any, dict[str, Any]], str | None]:
    """Where ours takes longer than a peer: how much of each is the products alone, timed in turn on their own."""

    def profile(device: Any, entry: dict[str, Any]) -> str | None:
        slower = {name: ratio for name, ratio in entry["ratio"].items() if ratio > 1}
        if not slower:
            return None
        parts = []
        if slower.pop("flax", None):
            own, stock = (e["instructions"] for e in (entry["nnspec"], entry["peers"]["flax"]))
            same = own == stock
            parts.append(
                "Flax: the compiled programs have the same instructions, the difference is noise"
                if same
                else f"Flax: instructions {stock}, ours {own}"
            )
        if slower:
            bare = bare_products(side, device)
            count = products(direction)
            ours = entry["nnspec"]["seconds"]
            theirs = min(entry["peers"][name]["seconds"] for name in slower)
            xla, library = (1e6 * count * bare[name] for name in ("xla", "torch"))
            words = "the product alone takes" if count == 1 else f"the {count} products alone take"
            parts.append(
                f"PyTorch: {words} {xla:.0f} µs in XLA, of {1e6 * ours:.0f} for all, and {library:.0f} µs in PyTorch's "
                f"library, of {1e6 * theirs:.0f} for the fastest peer"
            )
        return "; ".join(parts)

    return profile


def bare_products(side: int, device: Any) -> dict[str, float]:
    """Seconds of one product of n by n, in XLA and in PyTorch's library."""
    import jax
    import jax.numpy as jnp
    import torch

    a, b, *_ = draws(side)
    place = torch_place(device) or "cpu"
    s, t = torch.from_numpy(a).to(place), torch.from_numpy(b).to(place)
    given = jax.device_put((a, b), device)
    calls = {"xla": compiled(jnp.matmul, *given).call, "torch": waiting(lambda: s @ t, place)}
    return interleave(calls, rounds=9)


def torch_dense(
    x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, g: np.ndarray, direction: str, place: str
) -> Program:
    """PyTorch, eager; the kernel lies as nn.Linear keeps it, [out, in]."""
    import torch
    from torch.nn import functional

    leaves = [torch.from_numpy(a.copy()).to(place) for a in (x, kernel.T, bias)]
    cotangent = torch.from_numpy(g).to(place)

    def forward() -> Any:
        with torch.no_grad():
            return functional.linear(*leaves)

    if direction == FORWARD:
        return Program(call=waiting(forward, place))
    leaves = [leaf.requires_grad_() for leaf in leaves]

    def both() -> Any:
        y = functional.linear(*leaves)
        dx, dw, db = torch.autograd.grad(y, leaves, cotangent)
        return y.detach(), dx, dw.T, db

    return Program(call=waiting(both, place))


def torch_step(x: np.ndarray, target: np.ndarray, kernels: Any, place: str, *, through: Callable) -> Program:
    """PyTorch's own training step with its fused Adam; ``through`` may compile the network and its loss."""
    import torch

    side = len(x)
    layers: list[Any] = [torch.nn.Linear(side, side) for _ in range(DEPTH)]
    with torch.no_grad():
        for layer, kernel in zip(layers, kernels, strict=True):
            layer.weight.copy_(torch.from_numpy(kernel.T))
            layer.bias.zero_()
    model = torch.nn.Sequential(*[part for layer in layers for part in (layer, torch.nn.ReLU())][:-1])
    model = model.to(place)
    data, wanted = torch.from_numpy(x).to(place), torch.from_numpy(target).to(place)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    loss = through(lambda data, wanted: torch.nn.functional.mse_loss(model(data), wanted))

    def backward() -> Any:
        value = loss(data, wanted)
        value.backward()
        return value.detach()

    return torch_optimizer_step(optimizer, backward, place)
