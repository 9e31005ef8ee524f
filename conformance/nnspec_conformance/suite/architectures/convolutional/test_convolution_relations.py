"""Tests of architectures/convolutional/convolution: lengths, and what a convolution has in common with other maps."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, call, clause
from nnspec_conformance.errors import ClauseFailed, NotImplementedBySubject, Refused
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures.convolutional import convolution as oracle
from nnspec_conformance.suite.architectures.convolutional.test_convolution import BARE, FULL, arrays, value
from nnspec_conformance.tolerance import Want, bound
from nnspec_conformance.windows import windows

VALID = {"padding": "valid"}
LENGTHS, TAPS, STRIDES, DILATIONS = range(1, 13), range(1, 6), range(1, 5), range(1, 4)
PADDINGS: tuple[tuple[str, tuple[int, int]], ...] = (
    ("valid", (0, 0)),
    ("valid", (2, 1)),
    ("same", (0, 0)),
    ("same_lower", (0, 0)),
)
SAMPLE, FORMS = 60, 120  # of a subject that compiles; where it tells a shape without that, more
NONE = 6  # of those in which no window fits, where they are compiled

Setting = tuple[int, int, int, int, tuple[str, tuple[int, int]]]


# ---- lengths


def grid() -> list[Setting]:
    """Every length, window, stride, dilation and padding into which a window fits."""
    every = itertools.product(LENGTHS, TAPS, STRIDES, DILATIONS, PADDINGS)
    return [setting for setting in every if counted(setting)]


def counted(setting: Setting) -> int:
    length, taps, stride, dilation, (padding, pads) = setting
    return windows(length, taps, stride, dilation, padding, *pads)


def sampled(settings: list[Setting], count: int) -> list[Setting]:
    """So many of them, first those that have a pair of numbers which none before had."""
    order = np.random.default_rng(5).permutation(len(settings))
    seen: set = set()
    new, rest = [], []
    for setting in (settings[i] for i in order):
        pairs = set(itertools.combinations(enumerate(setting), 2))
        (new if len(pairs - seen) > 1 else rest).append(setting)
        seen |= pairs
    return (new + rest)[:count]


def paired(settings: list[Setting]) -> Iterator[tuple[Setting, Setting]]:
    """Two of the same padding, for the two axes of an image; each stands in one pair at least."""
    for padding in PADDINGS:
        same = [setting for setting in settings if setting[4] == padding]
        half = (len(same) + 1) // 2
        yield from zip(same[:half], (same[half:] + same[:1])[:half], strict=True)


@clause("convolution.length")
def test_length(trial, lean: bool) -> None:
    shape = getattr(trial.subject.adapter, f"{trial.operation}_shape", None)
    if trial.operation == "convolution_1d":
        asked = [(setting,) for setting in sampled(grid(), SAMPLE)]
    else:
        whole = set(trial.setting.told.values()) <= {"refused"} and not lean  # no length depends on a reading
        asked = [*paired(grid() if whole else sampled(grid(), FORMS if shape else SAMPLE))]
    kinds = [(axes[0][4][0], any(s[2] > 1 for s in axes), any(s[3] > 1 for s in axes)) for axes in asked]
    for kind in sorted(set(kinds)):  # what is not there ends its own kind only
        with trial.part(padding=kind[0], strided=kind[1], dilated=kind[2]):
            for axes in (axes for axes, own in zip(asked, kinds, strict=True) if own == kind):
                _ask_length(trial, shape, axes)


def _ask_length(trial: Any, shape: Callable | None, axes: tuple[Setting, ...]) -> None:
    shapes, given, right = _shapes(axes)
    got = _length(trial, shape, shapes, given)
    if got != right:
        raise ClauseFailed(
            f"shape {got}, expected {right}, for x of length {shapes[0][1:-1]}, {shapes[1][:-2]} taps, {given}"
        )
    trial.require(got == right, "")


def _shapes(axes: tuple[Setting, ...]) -> tuple[tuple[tuple[int, ...], ...], dict, tuple[int, ...]]:
    """The shapes of input and kernel, the keywords, and the shape of the result."""
    lengths, taps, strides, dilations, paddings = zip(*axes, strict=True)
    given = {"padding": paddings[0][0], "stride": strides, "dilation": dilations}
    if any(paddings[0][1]):
        given["pads"] = tuple(p for _, pads in paddings for p in pads)
    return ((1, *lengths, 1), (*taps, 1, 1)), given, (1, *map(counted, axes), 1)


def _length(trial: Any, shape: Callable | None, shapes: tuple, given: dict) -> tuple[int, ...]:
    """The shape of a result, by the subject's own rule of shapes where it has one."""
    if shape is None:
        return np.shape(trial.call(*(np.ones(n, np.float32) for n in shapes), **given))
    try:
        return tuple(shape(*shapes, **given, **trial.setting.told))
    except NotImplementedError as error:
        raise NotImplementedBySubject(str(error)) from error
    except Exception as error:
        raise Refused(trial.operation, error) from error


@clause("convolution.no-window")
def test_no_window(trial, lean: bool) -> None:
    shape = getattr(trial.subject.adapter, f"{trial.operation}_shape", None)
    flat = trial.operation == "convolution_1d"
    made = arrays((2, 8, 3), (3, 3, 5)) if flat else arrays((2, 6, 8, 3), (2, 3, 3, 5))
    trial.call(*made, **VALID)
    count = NONE if flat or shape is None else FORMS  # what grows to a length of 0 is compiled
    asked = sampled(without_window(), count) if flat or lean else without_window()
    for number, setting in enumerate(asked):
        with trial.part(strided=setting[2] > 1, dilated=setting[3] > 1):
            _ask_for_none(trial, shape, (setting,) if flat else _beside(setting, number % 2))


def without_window() -> list[Setting]:
    """Every length, window, stride, dilation and padding into which no window fits."""
    every = itertools.product(LENGTHS, TAPS, STRIDES, DILATIONS, PADDINGS)
    return [setting for setting in every if not counted(setting)]


def _beside(setting: Setting, place: int) -> tuple[Setting, Setting]:
    """The setting on one axis of an image; a window fits into the other one."""
    fits = (7, 2, 1, 1, setting[4])
    return (fits, setting) if place else (setting, fits)


def _ask_for_none(trial: Any, shape: Callable | None, axes: tuple[Setting, ...]) -> None:
    shapes, given, right = _shapes(axes)
    try:
        got = _length(trial, shape, shapes, given)
    except Refused:
        trial.require(
            trial.readings["no_window"] == "refused", f"{shapes[1][:-2]} taps on {shapes[0][1:-1]} are refused"
        )
        return
    empty = trial.readings["no_window"] == "empty" and got == right
    trial.require(empty, f"{shapes[1][:-2]} taps on {shapes[0][1:-1]} with {given}: got the shape {got}")


# ---- relations


def bare(operation: str, dtype: str = "float32", *, bias: bool = False) -> tuple[tuple, dict]:
    x, kernel, given = BARE[operation]
    return arrays(x, kernel, dtype, bias=bias), VALID | given


def doubled(want: Want) -> Want:
    """Both sides of a relation are rounded."""
    return replace(want, allowed=2 * want.allowed)


@clause("convolution.linear")
def test_linear(trial) -> None:
    (x, kernel), given = bare(trial.operation)
    x, kernel, other, second = (
        np.round(8 * a) / 8 for a in (x, 4 * kernel, normal_draws(21, x.shape), normal_draws(22, kernel.shape))
    )  # the sums of two are numbers of float32, too
    size = value(np.abs(x) + np.abs(other), np.abs(kernel) + np.abs(second), **given)
    first = trial.call(x, kernel, **given)
    for name, sum_of, part in (
        ("x", (x + other, kernel), (other, kernel)),
        ("the kernel", (x, kernel + second), (x, second)),
    ):
        right = wide(first) + wide(trial.call(*part, **given))
        want = replace(doubled(size), value=right)
        trial.expect(trial.call(*sum_of, **given), want, f"the sum of two, in {name}")


@clause("convolution.matrix")
def test_matrix(operation: str) -> Iterator[Case]:
    for setting in (BARE, FULL):
        x_shape, kernel_shape, given = setting[operation]
        x, kernel = arrays(x_shape, kernel_shape, bias=False)
        given: dict[str, Any] = VALID | given
        matrix = oracle.matrix_of(*wide((x, kernel)), **given)
        want = value(x, kernel, **given)
        product = (wide(x).reshape(len(x), -1) @ matrix).reshape(want.value.shape)
        yield call(operation, x, kernel, **given, want=replace(want, value=product), note="rows of the matrix reversed")


@clause("convolution.groups")
def test_groups(trial) -> None:
    x_shape, kernel_shape, given = BARE[trial.operation]
    given = VALID | given
    x, kernel, bias = arrays((*x_shape[:-1], 4), (*kernel_shape[:-2], 2, 6))
    together = trial.call(x, kernel, bias, groups=2, **given)
    apart = [
        trial.call(x[..., 2 * i : 2 * i + 2], kernel[..., 3 * i : 3 * i + 3], bias[3 * i : 3 * i + 3], **given)
        for i in (0, 1)
    ]
    want = replace(doubled(value(x, kernel, bias, groups=2, **given)), value=wide(np.concatenate(apart, -1)))
    trial.expect(together, want, "two groups against the convolutions of their slices")


@clause("convolution.depthwise")
def test_depthwise(operation: str) -> Iterator[Case]:
    x_shape, kernel_shape, given = BARE[operation]
    given: dict[str, Any] = VALID | given
    x, kernel = arrays(x_shape, (*kernel_shape[:-2], 1, 9), bias=False)
    of_one = getattr(oracle, operation)
    channels = [of_one(*wide((x[..., c : c + 1], kernel[..., 3 * c : 3 * c + 3])), **given) for c in range(3)]
    want = replace(value(x, kernel, groups=3, **given), value=np.concatenate(channels, -1))
    yield call(operation, x, kernel, groups=3, **given, want=want, note="the filters of a channel far apart")


@clause("convolution.pointwise")
def test_pointwise(operation: str) -> Iterator[Case]:
    x_shape = BARE[operation][0]
    x, kernel, bias = arrays(x_shape, (*(1,) * (len(x_shape) - 2), 3, 5))
    exactly = wide((x, kernel.reshape(3, 5), bias))
    product, size = (a @ w + b for a, w, b in (exactly, map(np.abs, exactly)))
    yield call(operation, x, kernel, bias, **VALID, want=bound(product, size, 4, "float32"), note="a dense layer")


@clause("convolution.shift")
def test_shift(trial) -> None:
    (x, kernel), given = bare(trial.operation)
    stride = given["stride"]
    larger = normal_draws(23, (2, *(n + s for n, s in zip(x.shape[1:-1], stride, strict=True)), 3))
    first = larger[:, *(slice(s, None) for s in stride)]
    moved = larger[:, *(slice(None, -s) for s in stride)]
    earlier, later = (slice(None), *(slice(None, -1) for _ in stride)), (slice(None), *(slice(1, None) for _ in stride))
    want = doubled(value(first, kernel, **given))
    got = trial.call(first, kernel, **given)
    expected = replace(want, value=wide(got)[earlier], allowed=want.allowed[earlier], flushed=want.flushed[earlier])
    trial.expect(trial.call(moved, kernel, **given)[later], expected, f"the input moved by the stride {stride}")


@clause("convolution.nan")
def test_nan(operation: str) -> Iterator[Case]:
    (x, kernel), given = bare(operation)
    kernel[0] = 0.0  # the taps of the first row or place
    reached = tuple([1] + [2] * (x.ndim - 2) + [1])
    left_over = tuple([1] + [n - 1 for n in x.shape[1:-1]] + [1])  # behind the last window
    for at, note in ((reached, "a tap of zero left out"), (left_over, "an entry that no window reads")):
        with_nan = x.copy()
        with_nan[at] = np.nan
        yield call(operation, with_nan, kernel, **given, want=value, note=note)
