"""Layer norm and RMS norm, forward and with the backward pass: ours, stock Flax, Keras and PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload, compiled, interleave
from nnspec_conformance.benchmarks.peers import keras_on_jax, torch_compiler, torch_place, waiting, with_gradients

SET = "normalization"
FORWARD, BOTH = "forward", "forward+backward"
ITEM = 4  # bytes of a float32
EPSILON = 1e-6
LAYER, RMS = "layer_norm", "rms_norm"


@dataclass(frozen=True)
class Size:
    """One normalization and its input.

    Attributes:
        kind: ``layer_norm`` or ``rms_norm``.
        rows: how many rows are normalized.
        features: entries of a row.
    """

    kind: str
    rows: int
    features: int

    @property
    def entries(self) -> int:
        """How many numbers come in."""
        return self.rows * self.features


SIZES = {
    "layer norm, 4,096 rows of 512": Size(LAYER, 4096, 512),
    "layer norm, 32,768 rows of 64": Size(LAYER, 32768, 64),
    "RMS norm, 4,096 rows of 512": Size(RMS, 4096, 512),
}
QUICK = {"layer norm, 8 rows of 16": Size(LAYER, 8, 16), "RMS norm, 8 rows of 16": Size(RMS, 8, 16)}


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """Every workload of the set."""
    for name, size in (QUICK if quick else SIZES).items():
        for direction in (FORWARD, BOTH):
            moved = 2 * size.entries  # read x, write y
            moved += 3 * size.entries if direction == BOTH else 0  # read x and the cotangent, write a gradient
            yield Workload(
                set=SET,
                name=name,
                direction=direction,
                size=size.entries,
                operations=size.entries * (8 if direction == FORWARD else 20),
                least_bytes=ITEM * moved,
                build=builder(size, direction),
                ceiling="copy",
                profile=profiler(size, direction),
            )


def builder(size: Size, direction: str) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        import jax

        arrays = drawn(size)
        given = [jax.device_put(a, device) for a in (arrays if direction == BOTH else arrays[:-1])]
        functions = {"nnspec": ours(size), "flax": stock(size)}
        if (keras := on_keras(size)) is not None:
            functions["keras"] = keras
        found = {
            name: compiled(f if direction == FORWARD else with_gradients(f), *given) for name, f in functions.items()
        }
        if place := torch_place(device):
            found["torch"] = torch_program(size, arrays, direction, place)
            if compiler := torch_compiler():
                found["torch compiled"] = torch_program(size, arrays, direction, place, through=compiler)
        return found

    return build


def drawn(size: Size) -> tuple[np.ndarray, ...]:
    """Rows, scale, for layer norm a shift, and the cotangent of the result, last."""
    rng = np.random.default_rng(size.features)
    weights = [rng.standard_normal(size.features, np.float32) for _ in range(2 if size.kind == LAYER else 1)]
    x, g = (rng.standard_normal((size.rows, size.features), np.float32) for _ in range(2))
    return (x, *weights, g)


def ours(size: Size) -> Callable:
    """The reference as a function of rows and weights."""
    from nnspec.architectures.transformer import normalization

    norm = getattr(normalization, size.kind)
    return lambda x, *weights: norm(x, *weights, epsilon=EPSILON)


def stock(size: Size) -> Callable:
    """The module of Flax, with its weights as arguments."""
    from flax import nnx

    kind = nnx.LayerNorm if size.kind == LAYER else nnx.RMSNorm
    structure, _ = nnx.split(nnx.eval_shape(lambda: kind(size.features, epsilon=EPSILON, rngs=nnx.Rngs(0))))

    def call(x: Any, *weights: Any) -> Any:
        named = zip(("scale", "bias"), weights, strict=False)
        return nnx.merge(structure, nnx.State({name: nnx.Param(weight) for name, weight in named}))(x)

    return call


def on_keras(size: Size) -> Callable | None:
    """Keras's function, where Keras is installed and runs on JAX in this process."""
    keras = keras_on_jax()
    if keras is None:
        return None
    norm = keras.ops.layer_normalization if size.kind == LAYER else keras.ops.rms_normalization
    return lambda x, *weights: norm(x, *weights, axis=-1, epsilon=EPSILON)


def torch_program(size: Size, arrays: tuple, direction: str, place: str, *, through: Callable = lambda f: f) -> Program:
    """Run the function of PyTorch."""
    import torch
    from torch.nn import functional

    *given, g = (torch.from_numpy(a).to(place) for a in arrays)
    norm = functional.layer_norm if size.kind == LAYER else functional.rms_norm
    forward = through(lambda x, *weights: norm(x, (size.features,), *weights, eps=EPSILON))

    def result() -> Any:
        with torch.no_grad():
            return forward(*given)

    if direction == FORWARD:
        return Program(call=waiting(result, place))
    leaves = [a.clone().requires_grad_() for a in given]

    def both() -> tuple:
        y = forward(*leaves)
        return (y.detach(), *torch.autograd.grad(y, leaves, g))

    return Program(call=waiting(both, place))


def profiler(size: Size, direction: str) -> Callable[[Any, dict[str, Any]], str | None]:
    """Where ours takes longer than a peer: what reading the rows once and writing as many takes."""

    def profile(device: Any, entry: dict[str, Any]) -> str | None:
        if all(ratio <= 1 for ratio in entry["ratio"].values()):
            return None
        import jax

        x, *_ = drawn(size)
        calls = {"copied": compiled(lambda x: -x, jax.device_put(x, device)).call}
        micro = 1e6 * interleave(calls, rounds=7)["copied"]
        rest = "; the rest is passes over the rows for mean and variance" + (
            ", and over the columns for the gradients of scale and shift" if direction == BOTH else ""
        )
        return f"of {1e6 * entry['nnspec']['seconds']:.0f} µs reading and writing the rows once takes {micro:.0f}{rest}"

    return profile
