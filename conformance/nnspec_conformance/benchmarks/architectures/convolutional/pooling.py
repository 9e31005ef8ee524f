"""Max pooling side by side and overlapping, and average pooling: ours, stock Flax, Keras and PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload, compiled, interleave
from nnspec_conformance.benchmarks.peers import keras_on_jax, torch_compiler, torch_place, waiting, with_gradients

SET = "pooling"
FORWARD, BOTH = "forward", "forward+backward"
ITEM = 4  # bytes of a float32


@dataclass(frozen=True)
class Size:
    """A pooling layer and its input.

    Attributes:
        batch: how many images.
        side: height and width of the input.
        channels: of the input.
        window: height and width of the window.
        stride: from one window to the next, along both axes.
        kind: ``max`` or ``average``.
    """

    batch: int
    side: int
    channels: int
    window: int
    stride: int
    kind: str = "max"

    @property
    def given(self) -> dict[str, tuple[int, int]]:
        """The keywords of the reference."""
        return {"window": (self.window, self.window), "stride": (self.stride, self.stride)}

    @property
    def places(self) -> int:
        """How many results an image has along each axis."""
        return (self.side - self.window) // self.stride + 1

    @property
    def entries(self) -> int:
        """How many numbers come in."""
        return self.batch * self.side**2 * self.channels

    @property
    def results(self) -> int:
        """How many numbers come out."""
        return self.batch * self.places**2 * self.channels


SIZES = {
    "max 2 x 2, 16 channels": Size(64, 24, 16, 2, 2),
    "max 3 x 3, stride 2, 64 channels": Size(8, 112, 64, 3, 2),
    "average 2 x 2, 64 channels": Size(8, 56, 64, 2, 2, "average"),
}
QUICK = {"max 2 x 2, 4 channels": Size(2, 8, 4, 2, 2), "average 3 x 3, stride 2": Size(2, 9, 4, 3, 2, "average")}


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """Every workload of the set."""
    for name, size in (QUICK if quick else SIZES).items():
        for direction in (FORWARD, BOTH):
            moved = size.entries + size.results
            yield Workload(
                set=SET,
                name=name,
                direction=direction,
                size=size.entries,
                operations=size.results * size.window**2 * (1 if direction == FORWARD else 2),
                least_bytes=ITEM * moved * (1 if direction == FORWARD else 2),
                build=builder(size, direction),
                ceiling="copy",
                profile=profiler(size, direction),
            )


def builder(size: Size, direction: str) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        import jax

        arrays = drawn(size)
        given = [jax.device_put(a, device) for a in (arrays if direction == BOTH else arrays[:1])]
        functions = {"nnspec": ours(size), "flax": stock(size)}
        if size.kind == "max":
            functions["plain"] = ours(size, implementation="plain")
        if (keras := on_keras(size)) is not None:
            functions["keras"] = keras
        found = {
            name: compiled(f if direction == FORWARD else with_gradients(f), *given) for name, f in functions.items()
        }
        if place := torch_place(device):
            found["torch"] = torch_program(size, arrays, direction, place)
            found["torch, channels last"] = torch_program(size, arrays, direction, place, last=True)
            if compiler := torch_compiler():
                found["torch compiled"] = torch_program(size, arrays, direction, place, through=compiler)
        return found

    return build


def drawn(size: Size) -> tuple[np.ndarray, np.ndarray]:
    """Feature maps as after ReLU, and the cotangent of the result."""
    rng = np.random.default_rng(size.side)
    x = rng.standard_normal((size.batch, size.side, size.side, size.channels), np.float32)
    g = rng.standard_normal((size.batch, size.places, size.places, size.channels), np.float32)
    return np.maximum(x, 0), g


def ours(size: Size, **how: Any) -> Callable:
    """The reference as a function of the maps."""
    from nnspec.architectures.convolutional import pooling

    pool = pooling.max_pool if size.kind == "max" else pooling.average_pool
    return lambda x: pool(x, **size.given, **how)


def stock(size: Size) -> Callable:
    """The function of Flax that pools as ours does."""
    from flax import nnx

    pool, stride = nnx.max_pool if size.kind == "max" else nnx.avg_pool, (size.stride,) * 2
    return lambda x: pool(x, (size.window,) * 2, strides=stride)


def on_keras(size: Size) -> Callable | None:
    """Keras's function, where Keras is installed and runs on JAX in this process."""
    keras = keras_on_jax()
    if keras is None:
        return None
    pool = keras.ops.max_pool if size.kind == "max" else keras.ops.average_pool
    return lambda x: pool(x, (size.window,) * 2, strides=(size.stride,) * 2)


def torch_program(
    size: Size, arrays: tuple, direction: str, place: str, *, last: bool = False, through: Callable = lambda f: f
) -> Program:
    """PyTorch's function; its memory format is its own, or channels last, as the arrays of the others lie."""
    import torch
    from torch.nn import functional

    layout = torch.channels_last if last else torch.contiguous_format
    x, g = (torch.from_numpy(a).to(place).movedim(-1, 1).contiguous(memory_format=layout) for a in arrays)
    pool = functional.max_pool2d if size.kind == "max" else functional.avg_pool2d
    forward = through(lambda x: pool(x, size.window, size.stride))

    def result() -> Any:
        with torch.no_grad():
            return forward(x).movedim(1, -1)

    if direction == FORWARD:
        return Program(call=waiting(result, place))
    leaf = x.clone(memory_format=torch.preserve_format).requires_grad_()

    def both() -> tuple:
        y = forward(leaf)
        (dx,) = torch.autograd.grad(y, [leaf], g)
        return y.detach().movedim(1, -1), dx.movedim(1, -1)

    return Program(call=waiting(both, place))


def profiler(size: Size, direction: str) -> Callable[[Any, dict[str, Any]], str | None]:
    """Where ours takes longer than a peer: what reading the maps once and writing as many results takes."""

    def profile(device: Any, entry: dict[str, Any]) -> str | None:
        if all(ratio <= 1 for ratio in entry["ratio"].values()):
            return None
        import jax

        x, _ = drawn(size)

        def sampled(x: Any) -> Any:
            return -x[:, :: size.stride, :: size.stride]

        calls = {"sampled": compiled(sampled, jax.device_put(x, device)).call}
        micro = 1e6 * interleave(calls, rounds=7)["sampled"]
        rest = "; the rest is comparisons, and the gradient" if direction == BOTH else ""
        seconds = 1e6 * entry["nnspec"]["seconds"]
        return f"of {seconds:.0f} µs reading and writing one entry of each window takes {micro:.0f}{rest}"

    return profile
