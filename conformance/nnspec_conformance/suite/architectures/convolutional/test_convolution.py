"""Tests of architectures/convolutional/convolution: values, padding, gradients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, call, clause, gradient
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures.convolutional import convolution as oracle
from nnspec_conformance.suite.components._long_sums import asked, near_one, told_apart, wide_sum
from nnspec_conformance.tolerance import Want, bound, exact
from nnspec_conformance.trial import Trial

Lengths = tuple[int, ...]
# The page's example, worked through by hand.
EXAMPLE_X = [1, 2, 0, -1, 3, 1]
EXAMPLE_KERNEL = [1, 2, -1]
EXAMPLE = {
    "stride 1": ({}, [5, 3, -5, 4]),
    "stride 2": ({"stride": (2,)}, [5, -5]),
    "dilation 2": ({"dilation": (2,)}, [-2, -1]),
    "same": ({"padding": "same"}, [0, 5, 3, -5, 4, 5]),
}
# x, kernel and keywords in which no two numbers are alike that could be confused; a remainder is left on every axis.
FULL: dict[str, tuple[Lengths, Lengths, dict]] = {
    "convolution_1d": ((2, 11, 4), (3, 2, 6), {"pads": (2, 1), "stride": (2,), "dilation": (3,), "groups": 2}),
    "convolution_2d": (
        (2, 9, 8, 4),
        (3, 2, 2, 6),
        {"pads": (2, 1, 0, 3), "stride": (2, 3), "dilation": (2, 3), "groups": 2},
    ),
}
BARE: dict[str, tuple[Lengths, Lengths, dict]] = {  # what every framework has
    "convolution_1d": ((2, 8, 3), (3, 3, 5), {"stride": (2,)}),
    "convolution_2d": ((2, 7, 6, 3), (2, 3, 3, 5), {"stride": (2, 2)}),
}
DILATED: dict[str, tuple[Lengths, Lengths, dict]] = {
    "convolution_1d": ((2, 8, 3), (2, 3, 5), {"dilation": (3,)}),
    "convolution_2d": ((2, 8, 7, 3), (4, 2, 3, 5), {"dilation": (2, 3)}),
}
MANY = 130  # examples, more than a block of 128 holds: tensorflow 22095
ALONE: dict[str, tuple[Lengths, Lengths, dict]] = {  # a filter for each channel, which has code of its own
    "convolution_1d": ((2, 8, 4), (3, 1, 4), {"groups": 4}),
    "convolution_2d": ((2, 6, 5, 4), (3, 2, 1, 4), {"groups": 4}),
}
SPARSE: dict[str, tuple[tuple[Lengths, Lengths, dict], ...]] = {  # the stride is longer than the window
    "convolution_1d": (((2, 9, 3), (2, 3, 5), {"stride": (4,)}), ((2, 8, 3), (1, 3, 5), {"stride": (2,)})),
    "convolution_2d": (
        ((2, 9, 8, 3), (2, 1, 3, 5), {"stride": (4, 3)}),
        ((2, 6, 7, 3), (1, 1, 3, 5), {"stride": (2, 2)}),
    ),
}
ALIKE: dict[str, tuple[Lengths, Lengths, dict]] = {  # as many examples, places, taps, channels and filters
    "convolution_1d": ((3, 5, 3), (3, 3, 3), {}),
    "convolution_2d": ((3, 5, 5, 3), (3, 3, 3, 3), {}),
}
LONG: dict[str, tuple[Lengths, Lengths, dict]] = {  # windows for which libraries have transforms
    "convolution_1d": ((2, 13, 2), (11, 2, 3), {}),
    "convolution_2d": ((2, 9, 13, 2), (7, 11, 2, 3), {}),
}
LARGE: dict[str, tuple[Lengths, Lengths, dict]] = {  # whole windows of zeros at both ends, and groups of two channels
    "convolution_1d": ((2, 9, 6), (2, 2, 9), {"pads": (7, 6), "stride": (5,), "dilation": (4,), "groups": 3}),
    "convolution_2d": (
        (2, 9, 5, 6),
        (2, 3, 2, 9),
        {"pads": (7, 6, 9, 10), "stride": (5, 6), "dilation": (5, 4), "groups": 3},
    ),
}
SAME: dict[str, tuple[tuple[Lengths, Lengths, dict], ...]] = {  # first a window that is longer than the input
    "convolution_1d": (((2, 3, 2), (4, 2, 3), {}), ((2, 8, 2), (2, 2, 3), {"dilation": (3,)})),
    "convolution_2d": (
        ((2, 6, 3, 2), (2, 4, 2, 3), {}),
        ((2, 7, 8, 2), (4, 2, 2, 3), {"dilation": (1, 3)}),
    ),
}
SAME_STRIDED: dict[str, tuple[tuple[Lengths, Lengths, dict], ...]] = {
    "convolution_1d": (
        ((2, 4, 2), (3, 2, 3), {"stride": (2,)}),
        ((2, 8, 2), (1, 2, 3), {"stride": (3,)}),
        ((2, 8, 2), (3, 2, 3), {"stride": (3,), "dilation": (2,)}),
    ),
    "convolution_2d": (
        ((2, 6, 8, 2), (3, 3, 2, 3), {"stride": (2, 2)}),
        ((2, 8, 7, 2), (2, 1, 2, 3), {"stride": (3, 3)}),
        ((2, 8, 9, 2), (4, 5, 2, 3), {"stride": (2, 3)}),  # by either stride another start
    ),
}


def arrays(x: Lengths, kernel: Lengths, dtype: str = "float32", *, bias: bool = True) -> tuple:
    """An image, a kernel and a bias: no entry zero, no two alike."""
    deviation = float(np.prod(kernel[:-1])) ** -0.5
    made = normal_draws(11, x, dtype), normal_draws(12, kernel, dtype, scale=deviation)
    return (*made, normal_draws(13, kernel[-1:], dtype)) if bias else made


def value(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None = None, **given: Any) -> Want:
    """The oracle's result, within the rounding of a sum of as many products as a window has."""
    dtype, function = str(x.dtype), _of(kernel)
    terms = kernel[..., 0].size + (bias is not None)
    exactly = wide((x, kernel) if bias is None else (x, kernel, bias))
    return bound(function(*exactly, **given), function(*map(np.abs, exactly), **given), terms, dtype)


def gradients(x: np.ndarray, kernel: np.ndarray, *rest: np.ndarray, **given: Any) -> tuple[Want, ...]:
    """The oracle's gradients; each is a sum of products, over taps and filters or over places."""
    dtype, function = str(x.dtype), getattr(oracle, f"{_of(kernel).__name__}_vjp")
    places, filters = rest[-1][..., 0].size, kernel.shape[-1] // given.get("groups", 1)
    terms = (kernel[..., 0, 0].size * filters, places, places)
    exactly = wide((x, kernel, *rest))
    found, sizes = function(*exactly, **given), function(*map(np.abs, exactly), **given)
    return tuple(bound(g, size, n, dtype) for g, size, n in zip(found, sizes, terms, strict=False))


def second_order(
    x: np.ndarray, kernel: np.ndarray, g: np.ndarray, along: tuple[np.ndarray, ...], **given: Any
) -> tuple:
    """The gradients of ``sum(along * gradients)``, which is ``sum(g * (u * W + x * V))`` with ``along = u, V``."""
    function, vjp = _of(kernel), getattr(oracle, f"{_of(kernel).__name__}_vjp")

    def of(x: np.ndarray, kernel: np.ndarray, g: np.ndarray, u: np.ndarray, V: np.ndarray) -> tuple:
        dx, dkernel = vjp(x, V, g, **given)[0], vjp(u, kernel, g, **given)[1]
        return dx, dkernel, function(u, kernel, **given) + function(x, V, **given)

    exactly, dtype = wide((x, kernel, g, *along)), str(x.dtype)
    taps, filters = kernel[..., 0].size, kernel.shape[-1] // given.get("groups", 1)
    terms = (taps // kernel.shape[-2] * filters, g[..., 0].size, 2 * taps)
    found, sizes = of(*exactly), of(*map(np.abs, exactly))
    wants = [bound(f, size, n, dtype) for f, size, n in zip(found, sizes, terms, strict=True)]
    return tuple(wants[:2]), wants[2]


def _of(kernel: np.ndarray) -> Any:
    return oracle.convolution_1d if kernel.ndim == 3 else oracle.convolution_2d


def cotangents(x: np.ndarray, kernel: np.ndarray, given: dict) -> np.ndarray:
    """A cotangent for the result."""
    return normal_draws(14, _of(kernel)(*wide((x, kernel)), **given).shape, str(x.dtype))


def question(operation: str, setting: tuple, dtype: str = "float32", note: str = "", *, bias: bool = True) -> Case:
    """A call; without padding unless the setting says otherwise."""
    x, kernel, given = setting
    given = {"padding": "valid"} | given
    return call(operation, *arrays(x, kernel, dtype, bias=bias), **given, want=value, note=note)


def many(operation: str) -> tuple[Lengths, Lengths, dict]:
    """The bare setting with a large batch."""
    (_, *rest), kernel, given = BARE[operation]
    return (MANY, *rest), kernel, given


@clause("convolution.example")
def test_example(operation: str, lean: bool) -> Iterator[Case]:
    flat = operation == "convolution_1d"
    for note, (given, right) in EXAMPLE.items():
        for dtype in ("float32",) if lean else ("float32", "bfloat16"):
            x, kernel, y = (np.array(a, DTYPES[dtype])[None, :, None] for a in (EXAMPLE_X, EXAMPLE_KERNEL, right))
            told = {"padding": "valid"} | given
            if flat:
                yield call(operation, x, kernel[0, :, :, None], **told, want=exact(y, dtype), note=note)
            else:  # the example stands in the columns, one row high
                told |= {k: (v * 2) for k, v in given.items() if k in ("stride", "dilation")}
                kernel = kernel[:, :, :, None]
                yield call(operation, x[:, None], kernel, **told, want=exact(y[:, None], dtype), note=note)


@clause("convolution.value")
def test_value(operation: str, lean: bool) -> Iterator[Case]:
    for dtype in DTYPES:
        if not lean or dtype != "float32":  # the large batch asks it
            yield question(operation, BARE[operation], dtype, "the kernel flipped")
    yield question(operation, many(operation), note="the kernel flipped, the last examples of a large batch")
    yield question(operation, ALONE[operation], note="the code for a filter that reads one channel")
    for setting in SPARSE[operation][:1] if lean else SPARSE[operation]:
        yield question(operation, setting, note="windows between which entries are left out")
    for dtype in ("float32", "float64") if lean else DTYPES:
        yield question(operation, FULL[operation], dtype, "strides, dilations or pads of two axes exchanged")
    if not lean:
        yield question(operation, DILATED[operation], note="the gaps left out")
    yield question(operation, DILATED[operation], note="the gaps left out, a bias where none was given", bias=False)
    x, kernel, given = BARE[operation]
    yield question(operation, ((*x[:-1], 1), (*kernel[:-2], 1, 1), given), note="one channel taken for none")
    yield question(operation, ALIKE[operation], note="axes of one length exchanged")
    yield question(operation, LONG[operation], note="the code for long windows")
    yield question(operation, LARGE[operation], note="windows of padding alone")
    x, kernel, given = ALONE[operation]
    setting = (x, kernel, given | {"stride": (2,) * (len(x) - 2), "padding": "same"})
    yield question(operation, setting, note="the code for a filter that reads one channel, with padding")


@clause("convolution.same")
def test_same(operation: str) -> Iterator[Case]:
    yield from _padded(operation, "same", SAME, "the odd zero at the start")


@clause("convolution.same-strided")
def test_same_strided(operation: str) -> Iterator[Case]:
    yield from _padded(operation, "same", SAME_STRIDED, "half the kernel on either side, whatever the stride")


@clause("convolution.same-lower")
def test_same_lower(operation: str) -> Iterator[Case]:
    yield from _padded(operation, "same_lower", SAME, "the odd zero at the end")
    yield from _padded(operation, "same_lower", SAME_STRIDED, "the odd zero at the end")


def _padded(operation: str, padding: str, settings: dict, note: str) -> Iterator[Case]:
    for x, kernel, given in settings[operation]:
        yield question(operation, (x, kernel, given | {"padding": padding}), note=note)


@clause("convolution.gradient")
def test_gradient(operation: str, lean: bool) -> Iterator[Case]:
    for dtype in ("bfloat16",) if lean else DTYPES:
        yield _pulled(operation, BARE[operation], dtype, "an edge that the stride leaves over")
    for dtype in ("float32", "float64"):
        yield _pulled(operation, FULL[operation], dtype, "groups in the backward pass")
    x, kernel, given = SAME[operation][0]
    for padding in ("same", "same_lower"):
        setting = (x, kernel, given | {"padding": padding})
        yield _pulled(operation, setting, "float32", "zeros taken away at the wrong end", bias=False)
    for x, kernel, given in (SAME[operation][1], SAME_STRIDED[operation][-1]):  # gaps, strides
        setting = (x, kernel, given | {"padding": "same"})
        yield _pulled(operation, setting, "float32", "zeros by name beside strides or gaps", bias=False)
    x, kernel, given = BARE[operation]
    setting = (x, (*kernel[:-2], 1, 6), given | {"groups": 3})
    yield _pulled(operation, setting, "float32", "the gradients of a depthwise convolution in another order")
    yield _pulled(operation, ALONE[operation], "float32", "the code for a filter that reads one channel")
    note = "the last examples of a large batch, an edge that the stride leaves over"
    yield _pulled(operation, many(operation), "float32", note)
    if not lean:
        yield _pulled(operation, DILATED[operation], "float32", "the gaps lost in the backward pass")
    yield _pulled(operation, ALIKE[operation], "float32", "axes of one length exchanged")
    yield _pulled(operation, LONG[operation], "float32", "the code for long windows")
    x, kernel, _ = BARE[operation]
    single = (x, (*(1,) * (len(x) - 2), *kernel[-2:]), {})
    yield _pulled(operation, single, "float32", "a product of matrices in the place of a window of one")
    for setting in SPARSE[operation][1:] if lean else SPARSE[operation]:
        yield _pulled(operation, setting, "float32", "a gradient for entries that no window reads")


def _pulled(operation: str, setting: tuple, dtype: str, note: str, *, bias: bool = True) -> Case:
    x_shape, kernel_shape, given = setting
    given = {"padding": "valid"} | given
    made = arrays(x_shape, kernel_shape, dtype, bias=bias)
    g = cotangents(made[0], made[1], given)
    return gradient(operation, *made, **given, cotangents=g, want=gradients, note=note)


@clause("convolution.second-order")
def test_second_order(trial) -> None:
    x, kernel, given = FULL[trial.operation]
    bare = {name: number for name, number in given.items() if name in ("stride", "groups")}  # what every framework has
    for x_shape, kernel_shape, told in (ALONE[trial.operation], (x, kernel, bare)):
        with trial.part(groups=told["groups"]):
            _pulled_twice(trial, x_shape, kernel_shape, {"padding": "valid"} | told)


def _pulled_twice(trial, x_shape: Lengths, kernel_shape: Lengths, given: dict) -> None:
    x, kernel = arrays(x_shape, kernel_shape, bias=False)
    g, along = cotangents(x, kernel, given), (normal_draws(16, x_shape), normal_draws(17, kernel_shape))
    case = gradient(trial.operation, x, kernel, **given, cotangents=g, want=gradients)
    got = trial.ask(replace(case, what="gradient of the gradient", directions=along))
    trial.expect(got, second_order(x, kernel, g, along, **given), f"second order with {given['groups']} groups")


def many_places(operation: str, n: int) -> Lengths:
    """Two examples and their places, ``n`` together."""
    return (2, n // 2) if operation.endswith("1d") else (2, n // 20, 10)


@clause("convolution.long-bias-sums")
def test_long_bias_sums(trial: Trial, lean: bool) -> None:
    def sums(dtype: str, n: int) -> Iterator[tuple]:
        places = many_places(trial.operation, n)
        window, slim = (2,) * (len(places) - 1), DTYPES[dtype].type(1 / 128)  # 80,000 of them stay below 65,504
        x = near_one(1, (2, *(length + 1 for length in places[1:]), 4), dtype)
        bias, g = near_one(3, (4,), dtype), near_one(4, (*places, 4), dtype) * slim
        for groups, more in ((1, {}),) if lean else ((1, {}), (4, {"groups": 4})):
            kernel = near_one(2, (*window, 4 // groups, 4), dtype)
            *_, of_bias = trial.vjp((x, kernel, bias), g, padding="valid", **more)
            yield of_bias, wide(g).reshape(n, 4).sum(0), f"the bias's gradient with {groups} groups, a sum"

    told_apart(trial, sums, 1, lean)


@clause("convolution.long-sums")
def test_long_sums(trial: Trial, lean: bool) -> None:
    for dtype, n in asked(trial, lean):
        with trial.part():
            places = many_places(trial.operation, n)
            window, slim = (2,) * (len(places) - 1), DTYPES[dtype].type(1 / 128)
            channels, given = n // 2 ** len(window), {"padding": "valid"}
            x, kernel = (
                near_one(5, (1, *(2,) * len(window), channels), dtype),
                near_one(6, (*window, channels, 3), dtype),
            )
            right = wide(x).reshape(1, -1) @ wide(kernel * slim).reshape(-1, 3)
            y = trial.call(x, kernel * slim, **given)
            trial.expect(y, wide_sum(right.reshape(y.shape), n, dtype, 1), f"a sum over {n} inputs in {dtype}")
            x, kernel = near_one(1, (2, *(m + 1 for m in places[1:]), 2), dtype), near_one(2, (*window, 2, 3), dtype)
            g = near_one(4, (*places, 3), dtype) * slim
            _, of_kernel = trial.vjp((x, kernel), g, **given)
            _, right = getattr(oracle, f"{trial.operation}_vjp")(*wide((x, kernel, g)), **given)
            trial.expect(of_kernel, wide_sum(right, n, dtype, 1), f"the kernel's gradient over {n} places in {dtype}")


@clause("convolution.default-padding")
def test_default_padding(operation: str, default: str) -> Iterator[Case]:
    x, kernel, _ = DILATED[operation]
    made = arrays(x, kernel)
    yield call(operation, *made, want=value(*made, padding=default), note=f"another padding than {default}")
