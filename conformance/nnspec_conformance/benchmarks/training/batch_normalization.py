"""Batch norm on maps of a ResNet, in training and in use: ours, stock Flax, Keras and PyTorch.

In training each program makes the new running statistics, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload, compiled, interleave
from nnspec_conformance.benchmarks.peers import ITEM, keras_on_jax, torch_compiler, torch_place, waiting

SET = "batch_normalization"
FORWARD, BOTH = "forward", "forward+backward"
EPSILON, DECAY = 1e-5, 0.9
# Of an entry: a sum for the mean, three for the variance, a quotient, scale and shift. Back: the product with the
# scale, three for the two means, four for the gradient of x, three for those of scale and shift.
OPERATIONS = {FORWARD: 7, BOTH: 18}
IN_USE = 4  # difference, quotient, scale and shift
ARRAYS = {FORWARD: 2, BOTH: 5}  # x and y; x again, the cotangent and the gradient


@dataclass(frozen=True)
class Size:
    """Feature maps, and whether they are normalized by themselves.

    Attributes:
        batch: how many images.
        side: height and width.
        channels: features.
        train: by the statistics of the batch, or by given ones.
    """

    batch: int
    side: int
    channels: int
    train: bool = True

    @property
    def entries(self) -> int:
        """How many numbers come in."""
        return self.batch * self.side**2 * self.channels


SIZES = {
    "training, 112 x 112, 64 channels": Size(8, 112, 64),
    "training, 28 x 28, 512 channels": Size(8, 28, 512),
    "training, 7 x 7, 2,048 channels": Size(8, 7, 2048),
    "in use, 112 x 112, 64 channels": Size(8, 112, 64, train=False),
}
QUICK = {"training, 4 x 4, 8 channels": Size(2, 4, 8), "in use, 4 x 4, 8 channels": Size(2, 4, 8, train=False)}


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """Every workload of the set; what is in use needs no backward pass."""
    for name, size in (QUICK if quick else SIZES).items():
        for direction in (FORWARD, BOTH) if size.train else (FORWARD,):
            yield Workload(
                set=SET,
                name=name,
                direction=direction,
                size=size.entries,
                operations=size.entries * (OPERATIONS[direction] if size.train else IN_USE),
                least_bytes=ITEM * ARRAYS[direction] * size.entries,
                build=builder(size, direction),
                profile=profiler(size, direction),
            )


def builder(size: Size, direction: str) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        import jax

        arrays = drawn(size)
        given = jax.device_put(arrays if direction == BOTH else arrays[:-1], device)
        functions = {"nnspec": ours(size), "flax": stock(size)}
        if size.train:  # the mean square less the square of the mean loses digits, and reads the maps once less
            functions["flax, two passes"] = stock(size, use_fast_variance=False)
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


def with_gradients(f: Callable) -> Callable:
    """(x, scale, shift, statistics, cotangent) -> (results, the gradients of x, scale and shift)."""

    def both(x: Any, scale: Any, bias: Any, mean: Any, variance: Any, g: Any) -> tuple:
        import jax

        def held(*learned: Any) -> tuple:
            y, *statistics = f(*learned, mean, variance)
            return y, tuple(statistics)

        y, pull, statistics = jax.vjp(held, x, scale, bias, has_aux=True)
        return (y, *statistics, *pull(g))

    return both


def drawn(size: Size) -> tuple[np.ndarray, ...]:
    """Maps, scale, shift, running mean and variance, and the cotangent of the result, last."""
    rng = np.random.default_rng(size.channels)
    shape = (size.batch, size.side, size.side, size.channels)
    x, g = (rng.standard_normal(shape, np.float32) for _ in range(2))
    scale, bias, mean = (rng.standard_normal(size.channels, np.float32) for _ in range(3))
    return x, scale, bias, mean, rng.random(size.channels, np.float32) + np.float32(0.5), g


def ours(size: Size) -> Callable:
    """The reference as a function of maps, weights and statistics."""
    from nnspec.training.batch_normalization import batch_norm, batch_norm_eval, batch_norm_update

    def call(x: Any, scale: Any, bias: Any, mean: Any, variance: Any) -> tuple:
        if not size.train:
            return (batch_norm_eval(x, mean, variance, scale, bias, epsilon=EPSILON),)
        return (batch_norm(x, scale, bias, epsilon=EPSILON), *batch_norm_update(x, mean, variance, decay=DECAY))

    return call


def stock(size: Size, **how: Any) -> Callable:
    """The module of Flax, with its weights and statistics as arguments."""
    from flax import nnx

    given = {"momentum": DECAY, "epsilon": EPSILON, "use_running_average": not size.train, **how}
    structure, _ = nnx.split(nnx.eval_shape(lambda: nnx.BatchNorm(size.channels, rngs=nnx.Rngs(0), **given)))

    def call(x: Any, scale: Any, bias: Any, mean: Any, variance: Any) -> tuple:
        weights = {"scale": nnx.Param(scale), "bias": nnx.Param(bias)}
        statistics = {"mean": nnx.BatchStat(mean), "var": nnx.BatchStat(variance)}
        layer = nnx.merge(structure, nnx.State(weights | statistics))
        y = layer(x)
        return (y, layer.mean[...], layer.var[...]) if size.train else (y,)

    return call


def on_keras(size: Size) -> Callable | None:
    """Keras's layer, where Keras is installed and runs on JAX in this process."""
    keras = keras_on_jax()
    if keras is None:
        return None
    layer = keras.layers.BatchNormalization(momentum=DECAY, epsilon=EPSILON)
    layer.build((size.batch, size.side, size.side, size.channels))

    def call(x: Any, scale: Any, bias: Any, mean: Any, variance: Any) -> tuple:
        y, statistics = layer.stateless_call([scale, bias], [mean, variance], x, training=size.train)
        return (y, *statistics) if size.train else (y,)

    return call


def torch_program(
    size: Size, arrays: tuple, direction: str, place: str, *, last: bool = False, through: Callable = lambda f: f
) -> Program:
    """PyTorch's function; its memory format is its own, or channels last, as the arrays of the others lie."""
    import torch
    from torch.nn import functional

    layout = torch.channels_last if last else torch.contiguous_format
    x, scale, bias, mean, variance, g = (torch.from_numpy(a).to(place) for a in arrays)
    x, g = (a.movedim(-1, 1).contiguous(memory_format=layout) for a in (x, g))

    def run(x: Any, scale: Any, bias: Any, mean: Any, variance: Any) -> Any:
        return functional.batch_norm(x, mean, variance, scale, bias, size.train, 1 - DECAY, EPSILON)

    forward = through(run)

    def result(y: Any, held: tuple) -> tuple:
        return (y.detach().movedim(1, -1), *held) if size.train else (y.movedim(1, -1),)

    def plain() -> tuple:
        held = mean.clone(), variance.clone()  # the function writes over them
        with torch.no_grad():
            return result(forward(x, scale, bias, *held), held)

    if direction == FORWARD:
        return Program(call=waiting(plain, place))
    leaves = [a.clone(memory_format=torch.preserve_format).requires_grad_() for a in (x, scale, bias)]

    def both() -> tuple:
        held = mean.clone(), variance.clone()
        y = forward(*leaves, *held)
        dx, *others = torch.autograd.grad(y, leaves, g)
        return (*result(y, held), dx.movedim(1, -1), *others)

    return Program(call=waiting(both, place))


def profiler(size: Size, direction: str) -> Callable[[Any, dict[str, Any]], str | None]:
    """Where ours takes longer than a peer: how many copies of the maps it takes, and what XLA says that it moves."""

    def profile(device: Any, entry: dict[str, Any]) -> str | None:
        if all(ratio <= 1 for ratio in entry["ratio"].values()):
            return None
        import jax

        x, *_ = drawn(size)
        calls = {"copied": compiled(lambda x: -x, jax.device_put(x, device)).call}
        seconds = interleave(calls, rounds=7)["copied"]
        taken = entry["nnspec"]["seconds"]
        return (
            f"{1e6 * taken:.0f} µs are {taken / seconds:.1f} copies of the maps, at {1e6 * seconds:.0f} each: "
            f"what is compiled reads and writes {passes(size, direction, device):.0f} arrays as long as the maps, "
            f"{ARRAYS[direction]} are the least"
        )

    return profile


def passes(size: Size, direction: str, device: Any) -> float:
    """How many arrays as long as the maps our compiled program reads and writes, by XLA's count of its bytes."""
    import jax

    arrays = drawn(size)
    given = jax.device_put(arrays if direction == BOTH else arrays[:-1], device)
    function = ours(size) if direction == FORWARD else with_gradients(ours(size))
    cost = jax.jit(function).lower(*given).compile().cost_analysis() or {}
    return cost["bytes accessed"] / (ITEM * size.entries)
