"""Tests of architectures/convolutional/pooling: values, lengths, padding; LRN."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, call, clause, gradient
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures.convolutional import pooling as oracle
from nnspec_conformance.tolerance import Shape, Want, bound, exact, spread, ulps
from nnspec_conformance.wanted import value_of
from nnspec_conformance.windows import pooled

Lengths = tuple[int, ...]
# The page's example, by hand: keywords, entries that are read, largest ones, means without and with the pads.
EXAMPLE_X = [1, 5, 2, -2, 4, -6]
PADDED = {"pads": (0, 0, 1, 1)}
EXAMPLE: dict[str, tuple[dict, int, list, list, list]] = {
    "stride 2": ({}, 6, [5, 2, 4], [3, 0, -1], [3, 0, -1]),
    "stride 1": ({"stride": (1, 1)}, 6, [5, 5, 2, 4, 4], [3, 3.5, 0, 1, -1], [3, 3.5, 0, 1, -1]),
    "padded": (PADDED, 6, [1, 5, 4, -6], [1, 3.5, 1, -6], [0.5, 3.5, 1, -3]),
    "rounded down": ({}, 5, [5, 2], [3, 0], [3, 0]),
    "rounded up": ({"ceil_mode": True}, 5, [5, 2, 4], [3, 0, 4], [3, 0, 4]),
}
# x and keywords in which no two numbers are alike that could be confused.
PLAIN: tuple[Lengths, dict] = ((2, 7, 6, 3), {"window": (2, 2), "stride": (1, 2)})  # what every framework has
UNEVEN: tuple[Lengths, dict] = ((2, 8, 7, 3), {"window": (4, 2), "stride": (2, 3)})  # an entry is left over
PADS: tuple[tuple[Lengths, dict], ...] = (
    ((2, 7, 8, 3), {"window": (3, 4), "stride": (2, 3), "pads": (1, 1, 2, 2)}),
    ((2, 10, 8, 3), {"window": (4, 3), "stride": (2, 3), "pads": (2, 1, 0, 2)}),
    ((2, 5, 5, 3), {"window": (3, 3), "stride": (2, 2), "pads": (1, 1, 0, 0)}),  # squares
)
SAME: tuple[tuple[Lengths, dict], ...] = (
    ((2, 6, 7, 2), {"window": (2, 4), "stride": (1, 1)}),
    ((2, 6, 8, 2), {"window": (3, 3), "stride": (2, 2)}),
    ((2, 7, 4, 2), {"window": (2, 6), "stride": (3, 3)}),  # wider than the image
)
UP: tuple[tuple[Lengths, dict], ...] = (  # windows that stick out beyond the input, beyond its pads, and not at all
    ((2, 7, 8, 2), {"window": (3, 2), "stride": (3, 3), "ceil_mode": True}),
    ((2, 6, 5, 2), {"window": (3, 2), "stride": (3, 2), "pads": (1, 1, 0, 0), "ceil_mode": True}),
)
BEYOND: tuple[Lengths, dict] = (  # the last window would begin behind the input: pytorch 36977
    (2, 4, 4, 2),
    {"window": (1, 2), "stride": (2, 2), "pads": (0, 0, 1, 1), "ceil_mode": True},
)
MANY: tuple[Lengths, dict] = ((130, 5, 4, 2), {"window": (3, 2), "stride": (2, 2)})  # more than a block of 128
ALIKE: tuple[Lengths, dict] = ((3, 5, 5, 3), {"window": (3, 3), "stride": (1, 1)})  # as many examples, places, channels
LONG: tuple[Lengths, dict] = ((2, 14, 13, 2), {"window": (9, 11), "stride": (2, 1)})
SPARSE: tuple[Lengths, dict] = ((2, 9, 8, 2), {"window": (1, 2), "stride": (3, 4)})  # much longer than the window
OTHERS = (  # a setting, and what goes wrong there alone
    (MANY, "the last examples of a large batch"),
    (ALIKE, "axes of one length exchanged"),
    (LONG, "the code for long windows"),
    (SPARSE, "windows between which entries are left out"),
)
FEWER = (  # what is asked in the place of these, and of an entry left over, where programs are compiled
    (((130, 9, 8, 2), {"window": (1, 2), "stride": (3, 4)}), "examples of a large batch, or entries between windows"),
    (((2, 5, 14, 2), {"window": (2, 11), "stride": (2, 1)}), "the code for long windows"),
)
SQUARE: tuple[Lengths, dict] = ((3, 6, 6, 3), {"window": (3, 3), "stride": (2, 2)})
LENGTHS, PLACES, STRIDES = range(1, 13), range(1, 6), range(1, 5)
PADDINGS: tuple[tuple[str, int, bool], ...] = (
    ("valid", 0, False),
    ("valid", 0, True),
    ("valid", 1, False),
    ("valid", 1, True),
    ("same", 0, False),
    ("same_lower", 0, False),
)
SAMPLE = 48
Setting = tuple[int, int, int, tuple[str, int, bool]]
LRN = {"size": 3, "alpha": 0.5, "beta": 0.75, "k": 2.0}


# ---- what is expected


def largest(x: np.ndarray, **given: Any) -> Want:
    """The oracle's maximum, exactly."""
    return exact(oracle.max_pool(wide(x), **given), str(x.dtype))


def mean(x: np.ndarray, **given: Any) -> Want:
    """The oracle's mean, within the rounding of a sum of as many entries as a window has, and of the division."""
    sizes = oracle.average_pool(np.abs(wide(x)), **given)
    return bound(oracle.average_pool(wide(x), **given), sizes, int(np.prod(given["window"])) + 1, str(x.dtype))


def gradients(name: str, x: np.ndarray, g: np.ndarray, **given: Any) -> tuple[Want]:
    """The oracle's gradient; as many cotangents meet at an entry as windows overlap there."""
    vjp = getattr(oracle, f"{name}_vjp")
    stride = given.get("stride") or given["window"]
    terms = int(np.prod([-(-k // s) for k, s in zip(given["window"], stride, strict=True)])) + 1
    (found,), (sizes,) = vjp(wide(x), wide(g), **given), vjp(wide(x), np.abs(wide(g)), **given)
    return (bound(found, sizes, terms, str(x.dtype)),)


def of(operation: str, readings: dict) -> Callable[..., Want]:
    """What is expected of a call, in the subject's reading."""
    return largest if operation == "max_pool" else partial(mean, count_pads=readings["count_pads"])


def back(operation: str, readings: dict) -> Callable[..., tuple[Want]]:
    """What is expected of a gradient, in the subject's reading."""
    told = {} if operation == "max_pool" else {"count_pads": readings["count_pads"]}
    return partial(gradients, operation, **told)


def image(shape: Lengths, dtype: str = "float32") -> np.ndarray:
    """A feature map in which no two entries are alike in float32; in half precision, none in one window."""
    if dtype in ("float32", "float64"):
        return normal_draws(61, shape, dtype)
    steps = np.random.default_rng(61).permuted(np.arange(int(np.prod(shape[1:-1]))) - 20.25)
    return np.broadcast_to(steps.reshape(shape[1], shape[2], 1), shape).astype(DTYPES[dtype])


def question(operation: str, setting: tuple[Lengths, dict], readings: dict, note: str, dtype: str = "float32") -> Case:
    shape, given = setting
    return call(operation, image(shape, dtype), **given, want=of(operation, readings), note=note)


def pulled(operation: str, setting: tuple[Lengths, dict], readings: dict, note: str, dtype: str = "float32") -> Case:
    shape, given = setting
    g = normal_draws(62, getattr(oracle, operation)(np.zeros(shape), **given).shape, dtype)
    return gradient(
        operation, image(shape, dtype), **given, cotangents=g, want=back(operation, readings), note=note
    )  # fmt: skip


# ---- values


@clause("pool.example")
def test_example(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    for note, (given, count, most, without, counted) in EXAMPLE.items():
        right = most if operation == "max_pool" else counted if readings["count_pads"] == "counted" else without
        told = {"window": (1, 2), "stride": (2, 2)} | given
        for dtype in ("float32",) if lean else ("float32", "bfloat16"):
            x, y = (np.array(a, DTYPES[dtype])[None, None, :, None] for a in (EXAMPLE_X[:count], right))
            yield call(operation, x, **told, want=exact(y, dtype), note=note)


@clause("max-pool.value")
def test_largest(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    yield from _values(operation, readings, lean)
    for setting in (PADS[1], UP[1], BEYOND) if lean else (*PADS, *UP, BEYOND):
        yield question(operation, setting, readings, "pads of two axes, or of start and end, exchanged")


@clause("average-pool.value")
def test_mean(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    yield from _values(operation, readings, lean)


def _values(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    for dtype in DTYPES:
        yield question(operation, PLAIN, readings, "one stride for both axes", dtype)
    for dtype in ("float32",) if lean else DTYPES:
        yield question(operation, UNEVEN, readings, "window or stride of two axes exchanged", dtype)
    for setting, note in (FEWER[0], *OTHERS[1:3]) if lean else OTHERS:
        yield question(operation, setting, readings, note)


def grid() -> list[Setting]:
    """Every length, window, stride and padding into which a window fits; pads are below the window."""
    every = itertools.product(LENGTHS, PLACES, STRIDES, PADDINGS)
    return [setting for setting in every if setting[3][1] < setting[1] and counted(setting)]


def counted(setting: Setting) -> int:
    length, places, stride, (padding, pad, up) = setting
    return pooled(length, 0, (places,), (stride,), padding, (pad, pad), up)


def paired(settings: list[Setting]) -> Iterator[tuple[Setting, Setting]]:
    """Two of the same padding, for height and width; each stands in one pair at least."""
    for padding in PADDINGS:
        same = [setting for setting in settings if setting[3] == padding]
        half = (len(same) + 1) // 2
        yield from zip(same[:half], (same[half:] + same[:1])[:half], strict=True)


@clause("pool.length")
def test_length(operation: str, lean: bool) -> Iterator[Case]:
    settings = grid()
    if lean:
        order = np.random.default_rng(5).permutation(len(settings))
        settings = [settings[i] for i in order[:SAMPLE]]
    for axes in paired(settings):
        (lengths, places, strides), (padding, pad, up) = zip(*(a[:3] for a in axes), strict=True), axes[0][3]
        given: dict[str, Any] = {"window": places, "stride": strides, "padding": padding}
        given |= ({"pads": (pad,) * 4} if pad else {}) | ({"ceil_mode": True} if up else {})
        x = np.ones((1, *lengths, 1), np.float32)
        yield call(operation, x, **given, want=Shape((1, *map(counted, axes), 1)), note="a window too many or too few")


@clause("pool.same")
def test_same(operation: str, readings: dict) -> Iterator[Case]:
    for shape, given in SAME:
        yield question(operation, (shape, given | {"padding": "same"}), readings, "the odd place at the start")


@clause("pool.same-lower")
def test_same_lower(operation: str, readings: dict) -> Iterator[Case]:
    for shape, given in SAME:
        yield question(operation, (shape, given | {"padding": "same_lower"}), readings, "the odd place at the end")


@clause("max-pool.padding")
def test_padding(lean: bool) -> Iterator[Case]:
    for shape, given in (*PADS, UP[1], *((s, g | {"padding": "same"}) for s, g in SAME[:1])):
        for dtype in ("float32",) if lean else ("float32", "float16"):
            x = (-np.abs(image(shape, dtype).astype(np.float64)) - 1).astype(DTYPES[dtype])
            yield call("max_pool", x, **given, want=largest, note="zeros that win over negative entries")


@clause("average-pool.sticking-out")
def test_sticking_out(readings: dict, lean: bool) -> Iterator[Case]:
    for setting in (*UP, BEYOND):
        yield question("average_pool", setting, readings, "the last window divided by its full size")
    x = np.array([1, 2, 3, 4, 5], np.float32)[None, None, :, None]
    given: dict[str, Any] = {"window": (1, 2), "stride": (1, 2), "ceil_mode": True}
    want = exact(np.array([1.5, 3.5, 5])[None, None, :, None])
    yield call("average_pool", x, **given, want=want, note="onnxruntime 16203: 2.5 in place of 5")
    stuck = UP[1] if lean else UP[0]  # the other one is compiled for the gradient
    yield pulled("average_pool", stuck, readings, "pytorch 198119: the full window in the backward pass")


@clause("average-pool.count-pads")
def test_count_pads(readings: dict, lean: bool) -> Iterator[Case]:
    for setting in (*PADS, *((s, g | {"padding": "same"}) for s, g in SAME)):
        yield question("average_pool", setting, readings, "the padding counted, or not")
    yield pulled("average_pool", PADS[1] if lean else PADS[0], readings, "another divisor in the backward pass")


@clause("pool.default-stride")
def test_default_stride(operation: str, default: str, readings: dict) -> Iterator[Case]:
    x, window = image((2, 6, 7, 3)), (3, 2)
    want = of(operation, readings)(x, window=window, stride=window if default == "window" else (1, 1))
    yield call(operation, x, window=window, want=want, note=f"another stride than {default}")


@clause("pool.half-precision")
def test_half_precision(operation: str) -> Iterator[Case]:
    sides = (64, 283) if operation == "global_average_pool" else (64,)  # 283 x 283 is beyond 65,504
    ones = [(side, side, 1.0, dtype) for side in sides for dtype in ("bfloat16", "float16")]
    for height, width, entry, dtype in [*ones, (4, 2, 60000.0, "float16")]:
        x = np.full((1, height, width, 1), entry, DTYPES[dtype])
        right = ulps(np.full((1, 1, 1, 1) if operation == "average_pool" else (1, 1), entry), 1, dtype)
        given: dict[str, Any] = {"window": (height, width), "stride": (1, 1)} if operation == "average_pool" else {}
        yield call(operation, x, **given, want=right, note="a sum in half precision")


# ---- the whole map, and what stood beside it


def whole(x: np.ndarray) -> Want:
    """The mean over height and width, within the rounding of the sum and of the division."""
    terms = x.shape[1] * x.shape[2] + 1
    return bound(wide(x).mean((1, 2)), np.abs(wide(x)).mean((1, 2)), terms, str(x.dtype))


def spread_evenly(x: np.ndarray, g: np.ndarray) -> tuple[Want]:
    (found,) = oracle.global_average_pool_vjp(wide(x), wide(g))
    return (bound(found, np.abs(found), 1, str(x.dtype)),)


@clause("global-average-pool.value")
def test_whole_map() -> Iterator[Case]:
    for dtype in DTYPES:
        yield call("global_average_pool", normal_draws(63, (2, 5, 4, 3), dtype), want=whole, note="a sum, or one axis")


@clause("global-average-pool.gradient")
def test_whole_map_gradient() -> Iterator[Case]:
    for dtype in DTYPES:
        x, g = normal_draws(63, (2, 5, 4, 3), dtype), normal_draws(64, (2, 3), dtype)
        yield gradient("global_average_pool", x, cotangents=g, want=spread_evenly, note="not divided by the places")


@clause("local-response-normalization.alpha-share")
def test_normalization(readings: dict, lean: bool) -> Iterator[Case]:
    want = value_of(partial(oracle.local_response_normalization, alpha_share=readings["alpha_share"]))
    for dtype in DTYPES:
        yield call("local_response_normalization", _channels(dtype), **LRN, want=want, note="alpha over the size")
    other = {"size": 5, "alpha": 0.125, "beta": 1.5, "k": 0.75}
    yield call("local_response_normalization", _channels("float32"), **other, want=want, note="k taken for 1")
    ones = np.ones((1, 1, 1, 3), np.float32)  # the page's exercise
    middle, outer = (1 / 4, 1 / 3) if readings["alpha_share"] == "whole" else (1 / 2, 3 / 5)
    right = ulps(np.array([outer, middle, outer]).reshape(1, 1, 1, 3), 4, "float32")
    plain: dict[str, Any] = {"size": 3, "alpha": 1.0, "beta": 1.0, "k": 1.0}
    yield call("local_response_normalization", ones, **plain, want=right, note="alpha over the size")


@clause("local-response-normalization.gradient")
def test_normalization_gradient(readings: dict) -> Iterator[Case]:
    want = partial(normalized_back, alpha_share=readings["alpha_share"])
    for dtype in ("float32", "float64"):
        x, g = _channels(dtype), normal_draws(66, (2, 3, 2, 7), dtype)
        yield gradient("local_response_normalization", x, **LRN, cotangents=g, want=want, note="through neighbours")


@clause("local-response-normalization.half-precision")
def test_normalization_of_large_entries(readings: dict) -> Iterator[Case]:
    reading = {"alpha_share": readings["alpha_share"]}
    x = (100 * _channels("float32")).clip(-500, 500).astype(np.float16)
    want = value_of(partial(oracle.local_response_normalization, **reading))
    yield call("local_response_normalization", x, **LRN, want=want, note="a square in half precision")
    g, want = normal_draws(66, x.shape, "float16"), partial(normalized_back, **reading)
    yield gradient("local_response_normalization", x, **LRN, cotangents=g, want=want, note="a square in the gradient")


def normalized_back(x: np.ndarray, g: np.ndarray, **given: Any) -> tuple[Want]:
    """The oracle's gradient, and what it moves when entries and cotangents are rounded at random."""

    def run(rounded: Callable) -> tuple:
        operands = rounded(wide(x)), rounded(wide(g))
        return oracle.local_response_normalization_vjp(*operands, **given, rounded=rounded)

    return spread(run, str(x.dtype))


def _channels(dtype: str) -> np.ndarray:
    return normal_draws(65, (2, 3, 2, 7), dtype, scale=2.0)
