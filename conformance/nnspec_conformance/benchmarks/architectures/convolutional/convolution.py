"""Convolutions of LeNet, of ResNet-18 and depthwise: ours in two implementations, stock Flax, Keras and PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload, compiled, interleave
from nnspec_conformance.benchmarks.peers import keras_on_jax, torch_compiler, torch_place, waiting, with_gradients

SET = "convolution"
FORWARD, BOTH = "forward", "forward+backward"
ITEM = 4  # bytes of a float32


@dataclass(frozen=True)
class Size:
    """A layer; its padding keeps height and width.

    Attributes:
        batch: how many images.
        side: height and width of the input.
        channels: of the input.
        filters: of the output.
        taps: along each axis of the window.
        groups: of channels that do not meet.
    """

    batch: int
    side: int
    channels: int
    filters: int
    taps: int
    groups: int = 1

    @property
    def products(self) -> int:
        """How many products a forward pass has, those with zeros of the padding among them."""
        return self.batch * self.side**2 * self.taps**2 * self.channels * self.filters // self.groups

    @property
    def numbers(self) -> int:
        """How many numbers input, output, kernel and bias hold."""
        images = self.batch * self.side**2 * (self.channels + self.filters)
        return images + self.taps**2 * self.channels * self.filters // self.groups + self.filters


SIZES = {
    "LeNet, 1 to 6 channels, 5 x 5": Size(64, 28, 1, 6, 5),
    "ResNet-18, 64 channels, 3 x 3": Size(8, 56, 64, 64, 3),
    "depthwise, 64 channels, 3 x 3": Size(8, 56, 64, 64, 3, groups=64),
}
QUICK = {"LeNet, 1 to 6 channels, 5 x 5": Size(4, 28, 1, 6, 5), "depthwise, 8 channels, 3 x 3": Size(2, 14, 8, 8, 3, 8)}


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """Every workload of the set, small layers first."""
    for name, size in (QUICK if quick else SIZES).items():
        for direction in (FORWARD, BOTH):
            times = 1 if direction == FORWARD else 3
            yield Workload(
                set=SET,
                name=name,
                direction=direction,
                size=size.batch * size.side**2 * size.channels,
                operations=2 * times * size.products,
                least_bytes=ITEM * size.numbers * (1 if direction == FORWARD else 2),
                build=builder(size, direction),
                ceiling="matmul",
                profile=profiler(size, direction),
            )


def builder(size: Size, direction: str) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        import jax

        arrays = drawn(size)
        given = [jax.device_put(a, device) for a in (arrays if direction == BOTH else arrays[:3])]
        functions = {"nnspec": ours(size, None), "plain": ours(size, "plain"), "flax": stock(size)}
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


def drawn(size: Size) -> tuple[np.ndarray, ...]:
    """Images, kernel, bias, and the cotangent of the result."""
    rng = np.random.default_rng(size.side)
    window = size.taps, size.taps, size.channels // size.groups
    images = size.batch, size.side, size.side
    return (
        rng.standard_normal((*images, size.channels), np.float32),
        rng.standard_normal((*window, size.filters), np.float32) / np.float32(np.prod(window) ** 0.5),
        rng.standard_normal(size.filters, np.float32),
        rng.standard_normal((*images, size.filters), np.float32),
    )


def ours(size: Size, implementation: Any) -> Callable:
    """A forward pass of the reference as a function of the arrays."""
    from nnspec.architectures.convolutional.convolution import convolution_2d

    def forward(x: Any, kernel: Any, bias: Any) -> Any:
        return convolution_2d(x, kernel, bias, padding="same", groups=size.groups, implementation=implementation)

    return forward


def stock(size: Size) -> Callable:
    """A forward pass of Flax's layer as a function of the arrays."""
    from flax import nnx

    def make() -> nnx.Conv:
        window = size.taps, size.taps
        return nnx.Conv(
            size.channels, size.filters, window, feature_group_count=size.groups, padding="SAME", rngs=nnx.Rngs(0)
        )

    structure = nnx.split(nnx.eval_shape(make))[0]

    def forward(x: Any, kernel: Any, bias: Any) -> Any:
        return nnx.merge(structure, nnx.State({"kernel": nnx.Param(kernel), "bias": nnx.Param(bias)}))(x)

    return forward


def on_keras(size: Size) -> Callable | None:
    """Keras's function, where Keras is installed and runs on JAX in this process."""
    keras = keras_on_jax()
    if keras is None:
        return None

    def forward(x: Any, kernel: Any, bias: Any) -> Any:
        if size.groups == 1:
            return keras.ops.conv(x, kernel, padding="same") + bias
        return keras.ops.depthwise_conv(x, kernel.swapaxes(2, 3), padding="same") + bias

    return forward


def torch_program(
    size: Size, arrays: tuple, direction: str, place: str, *, last: bool = False, through: Callable = lambda f: f
) -> Program:
    """PyTorch's function; its memory format is its own, or channels last, as the arrays of the others lie."""
    import torch
    from torch.nn import functional

    layout = torch.channels_last if last else torch.contiguous_format
    x, kernel, bias, g = (torch.from_numpy(a).to(place) for a in arrays)
    x, g = (a.movedim(-1, 1).contiguous(memory_format=layout) for a in (x, g))
    kernel = kernel.movedim((-1, -2), (0, 1)).contiguous(memory_format=layout)
    forward = through(lambda x, kernel, bias: functional.conv2d(x, kernel, bias, padding="same", groups=size.groups))

    def result() -> Any:
        with torch.no_grad():
            return forward(x, kernel, bias).movedim(1, -1)

    if direction == FORWARD:
        return Program(call=waiting(result, place))
    leaves = [a.clone(memory_format=torch.preserve_format).requires_grad_() for a in (x, kernel, bias)]

    def both() -> tuple:
        y = forward(*leaves)
        dx, dkernel, dbias = torch.autograd.grad(y, leaves, g)
        return y.detach().movedim(1, -1), dx.movedim(1, -1), dkernel.movedim((0, 1), (-1, -2)), dbias

    return Program(call=waiting(both, place))


def profiler(size: Size, direction: str) -> Callable[[Any, dict[str, Any]], str | None]:
    """Where ours takes longer than a peer: what XLA's bare convolution takes, and a matrix product as large."""

    def profile(device: Any, entry: dict[str, Any]) -> str | None:
        if all(ratio <= 1 for ratio in entry["ratio"].values()):
            return None
        import jax
        import jax.numpy as jnp

        arrays = drawn(size)
        given = [jax.device_put(a, device) for a in (arrays if direction == BOTH else arrays[:3])]

        def bare(x: Any, kernel: Any, bias: Any) -> Any:
            return jax.lax.conv_general_dilated(
                x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=size.groups
            )

        inner = size.taps**2 * size.channels // size.groups
        rows = jnp.ones((size.batch * size.side**2, inner))
        columns = jnp.ones((inner, size.filters))
        calls = {
            "convolution": compiled(bare if direction == FORWARD else with_gradients(bare), *given).call,
            "product": compiled(jnp.matmul, *jax.device_put((rows, columns), device)).call,
        }
        micro = {name: 1e6 * seconds for name, seconds in interleave(calls, rounds=7).items()}
        return (
            f"of {1e6 * entry['nnspec']['seconds']:.0f} µs XLA's bare convolution takes {micro['convolution']:.0f}; "
            f"a matrix product with as many products as the forward pass takes {micro['product']:.0f}"
        )

    return profile
