"""Tests of architectures/convolutional/transposed_convolution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures.convolutional import convolution
from nnspec_conformance.oracles.architectures.convolutional import transposed_convolution as oracle
from nnspec_conformance.suite.architectures.convolutional.test_convolution import many_places
from nnspec_conformance.suite.components._long_sums import near_one, told_apart
from nnspec_conformance.tolerance import Want, bound, exact
from nnspec_conformance.trial import Trial

Lengths = tuple[int, ...]
EXAMPLE_X = [1, 2, 0]  # the page's example, worked through by hand
EXAMPLE_KERNEL = [1, 3, -1]
EXAMPLE = {
    "stride 1": ({}, [1, 5, 5, -2, 0], [-1, 1, 7, 2, 0]),
    "stride 2": ({"stride": (2,)}, [1, 3, 1, 6, -2, 0, 0], [-1, 3, -1, 6, 2, 0, 0]),
    "cropped": ({"stride": (2,), "pads": (1, 1)}, [3, 1, 6, -2, 0], [3, -1, 6, 2, 0]),
}
BARE: dict[str, tuple[Lengths, Lengths, dict]] = {  # what every framework has; the window is not below the stride
    "transposed_convolution_1d": ((2, 5, 3), (3, 3, 4), {"stride": (2,)}),
    "transposed_convolution_2d": ((2, 4, 5, 3), (3, 4, 3, 4), {"stride": (2, 2)}),
}
FULL: dict[str, tuple[Lengths, Lengths, dict]] = {
    "transposed_convolution_1d": (
        (2, 5, 3),
        (3, 3, 4),
        {"stride": (3,), "dilation": (2,), "pads": (1, 1), "output_padding": (2,)},
    ),
    "transposed_convolution_2d": (
        (2, 4, 5, 3),
        (3, 2, 3, 4),
        {"stride": (2, 3), "dilation": (2, 3), "pads": (2, 2, 1, 1), "output_padding": (1, 2)},
    ),
}
LENGTHS: dict[str, tuple[Lengths, ...]] = {  # of inputs of which the stride leaves 1, 2, 0; 0 and 1, 1 and 2 over
    "transposed_convolution_1d": ((10,), (11,), (12,)),
    "transposed_convolution_2d": ((9, 14), (10, 15)),
}
# length, taps, stride and dilation: even, a checkerboard, even, and with gaps a checkerboard and even
OVERLAPS = ((7, 4, 2, 1), (7, 3, 2, 1), (7, 3, 3, 1), (7, 4, 2, 2), (7, 4, 2, 3))
EVEN_BY_CHANCE = (2, 2, 3, 2)  # of a pattern of three places, two lie between the ends
REACHED = {"transposed_convolution_1d": {}, "transposed_convolution_2d": {"dilation": (1, 2)}}  # what is left over
BEHIND: dict[str, tuple[Lengths, Lengths, dict]] = {  # places behind the last window, which a short one does not reach
    "transposed_convolution_1d": ((2, 3, 2), (2, 2, 3), {"stride": (4,), "output_padding": (3,)}),
    "transposed_convolution_2d": ((2, 3, 4, 2), (3, 2, 2, 3), {"stride": (4, 3), "output_padding": (2, 2)}),
}
ALIKE: dict[str, tuple[Lengths, Lengths, dict]] = {  # as many examples, inputs, taps, channels and filters
    "transposed_convolution_1d": ((3, 3, 3), (3, 3, 3), {"stride": (2,)}),
    "transposed_convolution_2d": ((3, 3, 3, 3), (3, 3, 3, 3), {"stride": (2, 2)}),
}
LONG: dict[str, tuple[Lengths, Lengths, dict]] = {
    "transposed_convolution_1d": ((2, 5, 2), (11, 2, 3), {"stride": (2,)}),
    "transposed_convolution_2d": ((2, 3, 4, 2), (7, 11, 2, 3), {"stride": (2, 2)}),
}
MANY = 130  # examples, more than a block of 128 holds
SAME: dict[str, tuple[tuple[Lengths, Lengths, dict], ...]] = {
    "transposed_convolution_1d": (
        ((2, 5, 2), (4, 2, 3), {"stride": (2,)}),
        ((2, 5, 2), (3, 2, 3), {"stride": (2,)}),
        ((2, 5, 2), (4, 2, 3), {"stride": (1,)}),
        ((2, 4, 2), (2, 2, 3), {"stride": (3,)}),
        ((2, 5, 2), (3, 2, 3), {"stride": (2,), "dilation": (2,)}),
    ),
    "transposed_convolution_2d": (
        ((2, 3, 4, 2), (4, 5, 2, 3), {"stride": (2, 2)}),
        ((2, 3, 4, 2), (3, 4, 2, 3), {"stride": (1, 1)}),
        ((2, 3, 4, 2), (2, 4, 2, 3), {"stride": (3, 3)}),
        ((2, 3, 4, 2), (2, 3, 2, 3), {"stride": (2, 2), "dilation": (3, 2)}),
        ((2, 3, 4, 2), (4, 6, 2, 3), {"stride": (2, 3)}),  # by either stride another start
    ),
}


def arrays(x: Lengths, kernel: Lengths, dtype: str = "float32") -> tuple:
    """An input, a kernel and a bias: no entry zero, no two alike."""
    deviation = float(np.prod(kernel[:-1])) ** -0.5
    return (
        normal_draws(41, x, dtype),
        normal_draws(42, kernel, dtype, scale=deviation),
        normal_draws(43, kernel[-1:], dtype),
    )


def _of(kernel: np.ndarray) -> Any:
    return oracle.transposed_convolution_1d if kernel.ndim == 3 else oracle.transposed_convolution_2d


def value(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None = None, **given: Any) -> Want:
    """The oracle's result, within the rounding of a sum of as many products as can meet at one place."""
    dtype, function = str(x.dtype), _of(kernel)
    exactly = wide((x, kernel) if bias is None else (x, kernel, bias))
    terms = kernel[..., 0].size + (bias is not None)
    return bound(function(*exactly, **given), function(*map(np.abs, exactly), **given), terms, dtype)


def gradients(x: np.ndarray, kernel: np.ndarray, *rest: np.ndarray, **given: Any) -> tuple[Want, ...]:
    """The oracle's gradients; each is a sum of products, over taps and filters or over places."""
    dtype, function = str(x.dtype), getattr(oracle, f"{_of(kernel).__name__}_vjp")
    terms = (kernel[..., 0, :].size, x[..., 0].size, rest[-1][..., 0].size)
    exactly = wide((x, kernel, *rest))
    found, sizes = function(*exactly, **given), function(*map(np.abs, exactly), **given)
    return tuple(bound(g, size, n, dtype) for g, size, n in zip(found, sizes, terms, strict=False))


def uneven(operation: str) -> tuple[Lengths, Lengths, dict]:
    """The bare setting with other pads at the end than at the start."""
    x, kernel, given = BARE[operation]
    return x, kernel, given | {"pads": (2, 1, 1, 2)[: 2 * (len(x) - 2)]}


def told(readings: dict) -> dict[str, Any]:
    """The readings on which values depend, as the oracle takes them."""
    return {name: readings[name] for name in ("kernel_order", "short_window") if name in readings}


def question(operation: str, setting: tuple, readings: dict, dtype: str = "float32", note: str = "") -> Case:
    x, kernel, given = setting
    given = {"padding": "valid"} | given
    made = arrays(x, kernel, dtype)
    return call(operation, *made, **given, want=partial(value, **told(readings)), note=note)


@clause("transposed-convolution.example")
def test_example(operation: str, readings: dict) -> Iterator[Case]:
    flat = operation == "transposed_convolution_1d"
    for note, (given, adjoint, flipped) in EXAMPLE.items():
        right = adjoint if readings["kernel_order"] == "adjoint" else flipped
        x, kernel, y = (np.array(a, np.float32)[None, :, None] for a in (EXAMPLE_X, EXAMPLE_KERNEL, right))
        given = {"padding": "valid"} | given
        if flat:
            yield call(operation, x, kernel[0, :, :, None], **given, want=exact(y), note=note)
        else:  # in the columns, one row high
            more = {k: (1, *v) if k == "stride" else (0, 0, *v) for k, v in given.items() if k in ("stride", "pads")}
            kernel = kernel[:, :, :, None]
            yield call(operation, x[:, None], kernel, **given | more, want=exact(y[:, None]), note=note)


@clause("transposed-convolution.kernel-order")
def test_value(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    for dtype in DTYPES:
        if not lean or dtype != "float32":  # the large batch asks it
            yield question(operation, BARE[operation], readings, dtype, "the kernel the other way round")
    for dtype in ("float32", "float64") if lean else DTYPES:
        yield question(operation, FULL[operation], readings, dtype, "pads that pad, output padding at the start")
    x, kernel, given = BARE[operation]
    one = (*x[:-1], 1), (*kernel[:-2], 1, 4), given
    yield question(operation, one, readings, note="one channel taken for none")
    yield question(operation, uneven(operation), readings, note="as much cropped at the end as at the start")
    note = "the kernel the other way round, the last examples of a large batch"
    yield question(operation, ((MANY, *x[1:]), kernel, given), readings, note=note)
    yield question(operation, ALIKE[operation], readings, note="axes of one length exchanged")
    yield question(operation, LONG[operation], readings, note="the code for long windows")
    if readings["short_window"] == "gaps":  # else the length already counts what is asked for
        yield question(operation, BEHIND[operation], readings, note="an output padding that no window reaches")


@clause("transposed-convolution.same")
def test_same(operation: str, readings: dict) -> Iterator[Case]:
    for x, kernel, given in SAME[operation]:
        yield question(operation, (x, kernel, given | {"padding": "same"}), readings, note="cropped at the other end")


@clause("transposed-convolution.short-window")
def test_short_window(operation: str, readings: dict) -> Iterator[Case]:
    setting = ((2, 3, 2), (2, 2, 3), {"stride": (3,)})
    if operation == "transposed_convolution_2d":
        setting = ((2, 3, 4, 2), (2, 1, 2, 3), {"stride": (3, 3)})
    yield question(operation, setting, readings, note="another length where the window is below the stride")


@clause("transposed-convolution.adjoint")
def test_adjoint(trial) -> None:
    x, kernel, given = BARE[trial.operation]
    _agree(trial, x, kernel, {"padding": "valid"} | given)
    for lengths in LENGTHS[trial.operation]:  # of the input of the convolution: the stride leaves places over
        with trial.part(pads="of every length"):
            _agree(trial, *_back(trial.operation, lengths))


def _back(operation: str, lengths: Lengths) -> tuple[Lengths, Lengths, dict]:
    """Shapes and keywords with which the output of a convolution of these lengths goes back to them."""
    x, kernel, given = FULL[operation]
    given = given | REACHED[operation]
    pads = given["pads"]
    rows = zip(lengths, kernel, given["stride"], given["dilation"], pads[::2], pads[1::2], strict=False)
    spare = [(n + p + q - d * (k - 1) - 1, s) for n, k, s, d, p, q in rows]
    short = tuple(n // s + 1 for n, s in spare)
    more = {"padding": "valid", "output_padding": tuple(n % s for n, s in spare)}
    return (x[0], *short, x[-1]), kernel, given | more


def _agree(trial, x_shape: Lengths, kernel_shape: Lengths, given: dict) -> None:
    """The products of the adjoint identity, for one entry of the other array after the other."""
    x, kernel, _ = arrays(x_shape, kernel_shape)
    if trial.readings["kernel_order"] == "flipped":
        kernel = np.flip(kernel, tuple(range(kernel.ndim - 2)))
    forward = f"convolution_{trial.operation[-2:]}"
    y = trial.call(x, np.ascontiguousarray(kernel), **given)
    plain = kernel if trial.readings["kernel_order"] == "adjoint" else np.flip(kernel, tuple(range(kernel.ndim - 2)))
    back, there = (
        np.ascontiguousarray(plain.swapaxes(-1, -2)),
        {k: v for k, v in given.items() if k != "output_padding"},
    )
    for place in range(y.size - 1, -1, -(y.size // 24 | 1)):  # one at a time: the bound of all together sees little
        z = np.zeros(y.shape, np.float32)
        z.flat[place] = 0.75
        other = trial.call(z, back, operation=forward, **there)
        size = getattr(convolution, forward)(*map(np.abs, wide((z, back))), **there)
        whole = np.sum(np.abs(wide(x)) * size)
        right = np.sum(wide(x) * wide(other))
        want = bound(right, whole, int(np.count_nonzero(size)), "float32")  # as many products are there
        trial.expect(
            np.asarray(np.sum(wide(z) * wide(y))), replace(want, dtype="float64"), "<convT(x), z> and <x, conv(z)>"
        )


@clause("transposed-convolution.gradient")
def test_gradient(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    for dtype in ("bfloat16",) if lean else DTYPES:  # the large batch asks float32
        yield _pulled(operation, BARE[operation], readings, dtype)
    for dtype in ("float32", "float64"):
        yield _pulled(operation, FULL[operation], readings, dtype)
    x, kernel, given = SAME[operation][0]
    yield _pulled(operation, (x, kernel, given | {"padding": "same"}), readings, "float32", bias=False)
    x, kernel, given = BARE[operation]
    longer = {"stride": (5,) * (len(x) - 2)}
    yield _pulled(operation, (x, kernel, longer), readings, "float32")
    gaps = (x, kernel, {"dilation": (2,) * (len(x) - 2)})
    for setting in (ALIKE[operation], uneven(operation), gaps, ((MANY, *x[1:]), kernel, given)):
        yield _pulled(operation, setting, readings, "float32")


def _pulled(operation: str, setting: tuple, readings: dict, dtype: str, *, bias: bool = True) -> Case:
    x_shape, kernel_shape, given = setting
    given = {"padding": "valid"} | given
    made, read = arrays(x_shape, kernel_shape, dtype), told(readings)
    made = made if bias else made[:2]
    g = normal_draws(45, getattr(oracle, operation)(*wide(made), **given, **read).shape, dtype)
    want = partial(gradients, **read)
    return gradient(operation, *made, **given, cotangents=g, want=want, note="cropped entries get a gradient")


@clause("transposed-convolution.long-bias-sums")
def test_long_bias_sums(trial: Trial, lean: bool) -> None:
    def sums(dtype: str, n: int) -> Iterator[tuple]:
        places = many_places(trial.operation, n)
        slim = DTYPES[dtype].type(1 / 128)  # 80,000 of them stay below 65,504
        x = near_one(1, (2, *(length - 1 for length in places[1:]), 3), dtype)
        kernel, bias = near_one(2, (*(2,) * (len(places) - 1), 3, 4), dtype), near_one(3, (4,), dtype)
        g = near_one(4, (*places, 4), dtype) * slim
        *_, of_bias = trial.vjp((x, kernel, bias), g, padding="valid")
        yield of_bias, wide(g).reshape(n, 4).sum(0), "the bias's gradient, a sum"

    told_apart(trial, sums, 1, lean)


@clause("transposed-convolution.nan")
def test_nan(operation: str, readings: dict) -> Iterator[Case]:
    x_shape, kernel_shape, given = BARE[operation]
    x, kernel, _ = arrays(x_shape, kernel_shape)
    kernel[0] = 0.0  # the taps of the first row or place
    x[(1, *(2,) * (x.ndim - 2), 1)] = np.nan
    given: dict[str, Any] = {"padding": "valid"} | given
    want = value(x, kernel, **given, **told(readings))
    yield call(operation, x, kernel, **given, want=want, note="a tap of zero left out")


@clause("transposed-convolution.checkerboard")
def test_checkerboard(operation: str) -> Iterator[Case]:
    for length, taps, stride, dilation in (*OVERLAPS, EVEN_BY_CHANCE):
        counts = oracle.overlaps(length, taps, stride, dilation).astype(np.float32)
        flat = operation == "transposed_convolution_1d"
        given: dict[str, Any] = {"padding": "valid", "stride": (stride,), "dilation": (dilation,)}
        x, kernel, want = np.ones((1, length, 1), np.float32), np.ones((taps, 1, 1), np.float32), counts[None, :, None]
        if not flat:
            given |= {"stride": (1, stride), "dilation": (1, dilation)}
            x, kernel, want = x[:, None], kernel[None], want[:, None]
        yield call(operation, x, kernel, **given, want=exact(want), note="an overlap that is divided by its count")


@clause("transposed-convolution.default-padding")
def test_default_padding(operation: str, default: str, readings: dict) -> Iterator[Case]:
    x, kernel, given = BARE[operation]
    made = arrays(x, kernel)
    want = value(*made, padding=default, **given, **told(readings))
    yield call(operation, *made, **given, want=want, note=f"another padding than {default}")


# ---- refusals


@clause("transposed-convolution.channel-error")
def test_channels(operation: str) -> Iterator[ErrorCase]:
    x, kernel, given = BARE[operation]
    right = arrays(x, kernel)
    for n in (1, 4):
        wrong = normal_draws(46, (*x[:-1], n))
        asked = {"padding": "valid"} | given
        yield refusal(operation, wrong, *right[1:], **asked, valid=right, note=f"{n} channels for a kernel of 3")


@clause("transposed-convolution.output-padding-error")
def test_output_padding(operation: str) -> Iterator[ErrorCase]:
    x, kernel, given = BARE[operation]
    axes = len(x) - 2
    for n in (-1, 2):
        asked = {"padding": "valid"} | given | {"output_padding": (n,) * axes}
        note = f"an output padding of {n} with stride 2"
        yield refusal(operation, *arrays(x, kernel), **asked, valid={"output_padding": (1,) * axes}, note=note)


@clause("transposed-convolution.stride-error")
def test_stride(operation: str) -> Iterator[ErrorCase]:
    x, kernel, _ = BARE[operation]
    axes = len(x) - 2
    for n in (0, -1):
        asked = {"padding": "valid", "stride": (n,) * axes}
        yield refusal(operation, *arrays(x, kernel), **asked, valid={"stride": (2,) * axes}, note=f"a stride of {n}")
