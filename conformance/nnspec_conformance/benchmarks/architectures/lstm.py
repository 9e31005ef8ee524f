"""A long short-term memory over whole sequences, forward and with gradients: ours, stock Flax, Keras and PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload, compiled
from nnspec_conformance.benchmarks.peers import keras_on_jax, torch_compiler, torch_place, waiting, with_gradients

SET = "lstm"
FORWARD, BOTH = "forward", "forward+backward"
ITEM = 4  # bytes of a float32
GATES, KINDS = "ifgo", ("kernel", "recurrent_kernel", "bias")


@dataclass(frozen=True)
class Size:
    """A layer and its sequences.

    Attributes:
        batch: how many sequences.
        steps: of each.
        width: features of an input, and units.
    """

    batch: int
    steps: int
    width: int

    @property
    def products(self) -> int:
        """How many products the forward pass has: each step multiplies inputs and states by four square kernels."""
        return 8 * self.batch * self.steps * self.width**2

    @property
    def numbers(self) -> int:
        """How many inputs, states and weights there are."""
        return 2 * self.batch * self.steps * self.width + 4 * (2 * self.width**2 + self.width)


SIZES = {f"{steps} steps, width {width}": Size(64, steps, width) for steps in (64, 256) for width in (64, 256)}
QUICK = {"8 steps, width 8": Size(4, 8, 8)}


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """Every workload of the set."""
    for name, size in (QUICK if quick else SIZES).items():
        for direction in (FORWARD, BOTH):
            passes = 1 if direction == FORWARD else 3  # the backward pass has two products for each one
            yield Workload(
                set=SET,
                name=name,
                direction=direction,
                size=size.batch * size.steps * size.width,
                operations=2 * passes * size.products,
                least_bytes=ITEM * size.numbers * (1 if direction == FORWARD else 2),
                build=builder(size, direction),
                ceiling="matmul",
            )


def builder(size: Size, direction: str) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        import jax

        x, weights, g = drawn(size)
        given = [jax.device_put(a, device) for a in ((x, weights, g) if direction == BOTH else (x, weights))]
        functions = {"nnspec": ours, "flax": stock(size)}
        if (keras := on_keras(size)) is not None:
            functions["keras"] = keras
        found = {
            name: compiled(f if direction == FORWARD else with_gradients(f), *given) for name, f in functions.items()
        }
        if place := torch_place(device):
            found["torch"] = torch_program(size, direction, place)
            if compiler := torch_compiler():
                found["torch compiled"] = torch_program(size, direction, place, through=compiler)
        return found

    return build


def drawn(size: Size) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Inputs, weights of variance 1/n, and the cotangent of the states."""
    rng, n = np.random.default_rng(size.steps + size.width), size.width
    weights = {}
    for gate in GATES:
        for kind in KINDS[:2]:
            weights[f"{kind}_{gate}"] = rng.standard_normal((n, n), np.float32) / np.float32(n**0.5)
        weights[f"bias_{gate}"] = rng.standard_normal(n, np.float32)
    shape = size.batch, size.steps, n
    return rng.standard_normal(shape, np.float32), weights, rng.standard_normal(shape, np.float32)


def joined(weights: Any, concatenate: Callable) -> list[Any]:
    """Kernel, recurrent kernel and bias, the gates side by side."""
    return [concatenate([weights[f"{kind}_{gate}"] for gate in GATES], -1) for kind in KINDS]


def ours(x: Any, weights: dict) -> Any:
    """The states that the reference gives."""
    from nnspec.architectures.lstm import lstm

    return lstm(x, weights)[0]


def stock(size: Size) -> Callable:
    """The layer of Flax with the same weights."""
    import jax.numpy as jnp
    from flax import nnx

    def make() -> nnx.OptimizedLSTMCell:
        return nnx.OptimizedLSTMCell(size.width, size.width, rngs=nnx.Rngs(0))

    structure = nnx.split(nnx.eval_shape(make))[0]

    def states(x: Any, weights: dict) -> Any:
        kernel, recurrent_kernel, bias = (nnx.Param(w) for w in joined(weights, jnp.concatenate))
        state = {"dense_i": {"kernel": kernel}, "dense_h": {"kernel": recurrent_kernel, "bias": bias}}
        return nnx.RNN(nnx.merge(structure, nnx.State(state)))(x)

    return states


def on_keras(size: Size) -> Callable | None:
    """Keras's layer, where Keras is installed and runs on JAX in this process."""
    keras = keras_on_jax()
    if keras is None:
        return None
    layer = keras.layers.LSTM(size.width, return_sequences=True)
    layer.build((size.batch, size.steps, size.width))
    seeds = [variable.value for variable in layer.non_trainable_variables]

    def states(x: Any, weights: dict) -> Any:
        return layer.stateless_call(joined(weights, keras.ops.concatenate), seeds, x)[0]

    return states


def torch_program(size: Size, direction: str, place: str, *, through: Callable = lambda f: f) -> Program:
    """PyTorch's layer; its second bias is zero."""
    import torch

    (x, weights, g), n = drawn(size), size.width
    layer = torch.nn.LSTM(n, n, batch_first=True)
    kernel, recurrent_kernel, bias = joined(weights, np.concatenate)
    rows = {"weight_ih_l0": kernel.T, "weight_hh_l0": recurrent_kernel.T, "bias_ih_l0": bias}
    arranged = {name: torch.from_numpy(np.ascontiguousarray(w)) for name, w in rows.items()}
    layer.load_state_dict(arranged | {"bias_hh_l0": torch.zeros(4 * n)})
    layer = layer.to(place)
    inputs, cotangents = (torch.from_numpy(a).to(place) for a in (x, g))
    forward = through(lambda x: layer(x)[0])

    def result() -> Any:
        with torch.no_grad():
            return forward(inputs)

    if direction == FORWARD:
        return Program(call=waiting(result, place))
    leaves = [inputs.clone().requires_grad_(), layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0]

    def both() -> tuple:
        y = forward(leaves[0])
        dx, *parts = torch.autograd.grad(y, leaves, cotangents)
        table = {}
        for kind, part in zip(KINDS, parts, strict=True):
            table |= {f"{kind}_{gate}": w.T if w.ndim == 2 else w for gate, w in zip(GATES, part.chunk(4), strict=True)}
        return y.detach(), dx, {name: table[name] for name in sorted(table)}

    return Program(call=waiting(both, place))
