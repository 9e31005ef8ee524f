"""Three LSTMs on top of each other, and two side by side, over whole sequences: ours, Flax, Keras and PyTorch.

Flax and Keras have the layers that the sets of one layer time; here they are called one after the other, or on the
sequence and on the sequence turned round. PyTorch has a layer for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.architectures import lstm
from nnspec_conformance.benchmarks.core import Program, Workload, compiled
from nnspec_conformance.benchmarks.peers import keras_on_jax, torch_compiler, torch_place, waiting, with_gradients
from nnspec_conformance.benchmarks.recurrence import BOTH, FORWARD, ITEM, KINDS, Layer, Size

SET = "stacked_recurrent"
STACK, SIDES = ("_0", "_1", "_2"), ("forward_", "backward_")
SIZES = {  # half of the batch of the sets of one layer: two or three layers, at their largest size, take minutes
    f"{steps} steps, width {width}": Size(32, steps, width) for steps, width in ((64, 64), (64, 256), (256, 64))
}
QUICK = {"8 steps, width 8": Size(4, 8, 8)}
ONE = Layer(SET, lstm.ENDS, lstm.ours, "OptimizedLSTMCell", "dense_h", "LSTM", lstm.ENDS, "LSTM")


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """Every workload of the set."""
    for name, size in (QUICK if quick else SIZES).items():
        for turned, called in ((False, "stack of 3"), (True, "bidirectional")):
            states = size.batch * size.steps * size.width
            layers = len(SIDES if turned else STACK)
            weights = layers * len(lstm.ENDS) * (2 * size.width**2 + size.width)
            numbers = states + weights + states * (2 if turned else 1)
            for direction in (FORWARD, BOTH):
                passes = 1 if direction == FORWARD else 3  # the backward pass has two products for each one
                yield Workload(
                    set=SET,
                    name=f"{called}, {name}",
                    direction=direction,
                    size=states,
                    operations=2 * passes * layers * ONE.products(size),
                    least_bytes=ITEM * numbers * (1 if direction == FORWARD else 2),
                    build=builder(size, turned, direction),
                    ceiling="matmul",
                    profile=ONE.profiler(size, passes * layers),
                )


def builder(size: Size, turned: bool, direction: str) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        import jax

        arrays = drawn(size, turned)
        given = [jax.device_put(a, device) for a in (arrays if direction == BOTH else arrays[:2])]
        functions = {"nnspec": ours(turned), "flax": joined(turned, [ONE.stock(size)] * 3)}
        if keras_on_jax() is not None:
            made = [ONE.on_keras(size) for _ in (SIDES if turned else STACK)]
            functions["keras"] = joined(turned, [layer for layer in made if layer is not None])
        found = {
            name: compiled(f if direction == FORWARD else with_gradients(f), *given) for name, f in functions.items()
        }
        if place := torch_place(device):
            found["torch"] = on_torch(size, turned, direction, place)
            if compiler := torch_compiler():
                found["torch compiled"] = on_torch(size, turned, direction, place, through=compiler)
        return found

    return build


def drawn(size: Size, turned: bool) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Inputs, weights of variance 1/n for each layer, and the cotangent of the states."""
    rng, n = np.random.default_rng(size.steps + size.width), size.width
    weights = {
        named(f"{kind}{end}", part): rng.standard_normal((n,) if kind == "bias" else (n, n), np.float32)
        / np.float32(n**0.5)
        for part in (SIDES if turned else STACK)
        for end in lstm.ENDS
        for kind in KINDS
    }
    x = rng.standard_normal((size.batch, size.steps, n), np.float32)
    return x, weights, rng.standard_normal((size.batch, size.steps, n * (2 if turned else 1)), np.float32)


def named(weight: str, part: str) -> str:
    """The name of a layer's weight in the table of all of them."""
    return part + weight if part in SIDES else weight + part


def table(weights: dict, part: str) -> dict:
    """The weights of one layer, by the names that they have in it."""
    return {f"{kind}{end}": weights[named(f"{kind}{end}", part)] for kind in KINDS for end in lstm.ENDS}


def ours(turned: bool) -> Callable:
    """The states that the reference gives."""
    from nnspec.architectures.stacked_recurrent import bidirectional, stacked_recurrent

    layers = bidirectional if turned else stacked_recurrent
    return lambda x, weights: layers(x, weights, cell="lstm")[0]


def joined(turned: bool, layers: list[Callable]) -> Callable:
    """One layer after the other, or two side by side."""

    def states(x: Any, weights: dict) -> Any:
        import jax.numpy as jnp

        if turned:
            there, back = (table(weights, part) for part in SIDES)
            backwards = jnp.flip(layers[1](jnp.flip(x, 1), back), 1)
            return jnp.concatenate([layers[0](x, there), backwards], -1)
        for part, layer in zip(STACK, layers, strict=True):
            x = layer(x, table(weights, part))
        return x

    return states


def on_torch(
    size: Size, turned: bool, direction: str, place: str, *, through: Callable = lambda f: f
) -> Program:  # fmt: skip
    """PyTorch's layer; its second biases are zero."""
    import torch

    (x, weights, g), n = drawn(size, turned), size.width
    parts = {"_l0": SIDES[0], "_l0_reverse": SIDES[1]} if turned else {f"_l{i}": part for i, part in enumerate(STACK)}
    layer = torch.nn.LSTM(n, n, num_layers=1 if turned else 3, bidirectional=turned, batch_first=True)
    rows = {}
    for end, part in parts.items():
        kernel, recurrent_kernel, bias = ONE.joined(table(weights, part), np.concatenate)
        rows |= {f"weight_ih{end}": kernel.T, f"weight_hh{end}": recurrent_kernel.T, f"bias_ih{end}": bias}
        rows[f"bias_hh{end}"] = np.zeros_like(bias)
    layer.load_state_dict({name: torch.from_numpy(np.ascontiguousarray(w)) for name, w in rows.items()})
    layer = layer.to(place)
    inputs, cotangents = (torch.from_numpy(a).to(place) for a in (x, g))
    forward = through(lambda x: layer(x)[0])

    def result() -> Any:
        with torch.no_grad():
            return forward(inputs)

    if direction == FORWARD:
        return Program(call=waiting(result, place))
    kinds = dict(zip(("weight_ih", "weight_hh", "bias_ih"), KINDS, strict=True))
    leaves = {
        (kind, part): getattr(layer, f"{theirs}{end}") for end, part in parts.items() for theirs, kind in kinds.items()
    }
    first = inputs.clone().requires_grad_()

    def both() -> tuple:
        y = forward(first)
        dx, *found = torch.autograd.grad(y, [first, *leaves.values()], cotangents)
        gradients = {}
        for (kind, part), whole in zip(leaves, found, strict=True):
            for end, gate in zip(lstm.ENDS, whole.chunk(len(lstm.ENDS)), strict=True):
                gradients[named(f"{kind}{end}", part)] = gate.T if gate.ndim == 2 else gate
        return y.detach(), dx, {name: gradients[name] for name in sorted(gradients)}

    return Program(call=waiting(both, place))
