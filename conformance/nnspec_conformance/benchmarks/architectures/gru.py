"""A gated layer over whole sequences, forward and with all gradients: ours, stock Flax, Keras and PyTorch.

Of ours the reset gate is after the product, and the second bias zero: the one function that all of them have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.architectures.recurrent import BOTH, FORWARD, ITEM, QUICK, SIZES, Size
from nnspec_conformance.benchmarks.core import Program, Workload, compiled
from nnspec_conformance.benchmarks.peers import keras_on_jax, torch_compiler, torch_place, waiting, with_gradients

SET = "gru"
GATES = ("r", "z", "n")
KINDS = ("kernel", "recurrent_kernel", "bias")


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """Every workload of the set."""
    for name, size in (QUICK if quick else SIZES).items():
        weights = 6 * size.width**2 + 3 * size.width
        numbers = 2 * size.batch * size.steps * size.width + weights
        for direction in (FORWARD, BOTH):
            passes = 1 if direction == FORWARD else 3  # the backward pass has two products for each one
            yield Workload(
                set=SET,
                name=name,
                direction=direction,
                size=size.batch * size.steps * size.width,
                operations=2 * passes * len(GATES) * size.products,
                least_bytes=ITEM * numbers * (1 if direction == FORWARD else 2),
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
    rng = np.random.default_rng(size.steps + size.width)
    n, shape = size.width, (size.batch, size.steps, size.width)
    weights = {
        f"{kind}_{gate}": rng.standard_normal((n,) if kind == "bias" else (n, n), np.float32) / np.float32(n**0.5)
        for gate in GATES
        for kind in KINDS
    }
    return rng.standard_normal(shape, np.float32), weights, rng.standard_normal(shape, np.float32)


def ours(x: Any, weights: dict) -> Any:
    """The states that the reference gives."""
    import jax.numpy as jnp

    from nnspec.architectures.gru import gru

    return gru(x, weights | {"recurrent_bias_n": jnp.zeros_like(weights["bias_n"])}, reset="after")


def beside(weights: dict, kind: str, gates: tuple[str, ...] = GATES) -> Any:
    """The arrays of all gates beside one another."""
    import jax.numpy as jnp

    return jnp.concatenate([weights[f"{kind}_{gate}"] for gate in gates], -1)


def stock(size: Size) -> Callable:
    """The layer of Flax with the same weights."""
    from flax import nnx

    structure = nnx.split(nnx.eval_shape(lambda: nnx.GRUCell(size.width, size.width, rngs=nnx.Rngs(0))))[0]

    def states(x: Any, weights: dict) -> Any:
        kernel, recurrent, bias = (nnx.Param(beside(weights, kind)) for kind in KINDS)
        state = {"dense_i": {"kernel": kernel, "bias": bias}, "dense_h": {"kernel": recurrent}}
        return nnx.RNN(nnx.merge(structure, nnx.State(state)))(x)

    return states


def on_keras(size: Size) -> Callable | None:
    """Keras's layer, where Keras is installed and runs on JAX in this process."""
    keras = keras_on_jax()
    if keras is None:
        return None
    layer = keras.layers.GRU(size.width, return_sequences=True)
    layer.build((size.batch, size.steps, size.width))
    seeds = [variable.value for variable in layer.non_trainable_variables]

    def states(x: Any, weights: dict) -> Any:
        import jax.numpy as jnp

        kernel, recurrent, bias = (beside(weights, kind, ("z", "r", "n")) for kind in KINDS)
        table = [kernel, recurrent, jnp.stack([bias, jnp.zeros_like(bias)])]
        return layer.stateless_call(table, seeds, x)[0]

    return states


def torch_program(size: Size, direction: str, place: str, *, through: Callable = lambda f: f) -> Program:
    """PyTorch's layer; its second biases are zero."""
    import torch

    (x, table, g), n = drawn(size), size.width
    layer = torch.nn.GRU(n, n, batch_first=True)
    rows = {
        f"{name}_l0": torch.from_numpy(np.concatenate([table[f"{kind}_{gate}"].T for gate in GATES]))
        for name, kind in (("weight_ih", "kernel"), ("weight_hh", "recurrent_kernel"), ("bias_ih", "bias"))
    }
    layer.load_state_dict(rows | {"bias_hh_l0": torch.zeros(3 * n)})
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
        dx, *packed = torch.autograd.grad(y, leaves, cotangents)
        parts = {kind: (w.T if w.ndim == 2 else w).chunk(3, -1) for kind, w in zip(KINDS, packed, strict=True)}
        return y.detach(), dx, {f"{kind}_{gate}": w[i] for kind, w in parts.items() for i, gate in enumerate(GATES)}

    return Program(call=waiting(both, place))
