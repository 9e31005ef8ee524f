"""Tests of architectures/resizing: where each place reads, with which weights; pixel shuffle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.errors import Refused
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures import resizing as oracle
from nnspec_conformance.tolerance import Want, bound, exact
from nnspec_conformance.trial import Trial

# The page's examples, by hand: readings, the row, the result.
NEAREST = {
    "middle": (((0, 4, 8), (0, 0, 4, 4, 8, 8)), ((0, 1, 2, 3, 4), (0, 2, 4))),
    "corner": (((0, 4, 8), (0, 0, 4, 4, 8, 8)), ((0, 1, 2, 3, 4), (0, 1, 3))),
}
LINEAR = {
    "half-pixel": (((0, 4, 8), (0, 1, 3, 5, 7, 8)), ((0, 7, 0, 0), (3.5, 0))),
    "corners": (((0, 4, 8), (0, 2, 4, 6, 8)),),
    "origin": (((0, 4, 8), (0, 2, 4, 6, 8, 8)),),
}
ANTIALIASED = ((0, 7, 0, 0), (3, 1))
# Up and down, both at once, one axis alone, by factors that are whole and that are not.
SIZES = (((2, 5, 4, 3), (7, 3)), ((2, 9, 7, 3), (4, 3)), ((2, 4, 9, 2), (12, 2)), ((1, 6, 5, 2), (6, 15)))
WINDOWS = (((2, 11, 9, 2), (4, 3)), ((1, 8, 5, 2), (2, 12)), ((1, 16, 3, 1), (3, 1)))
INNER = (slice(None), slice(3, -3), slice(3, -3))


def applied(x: np.ndarray, size: tuple[int, int], weights: Callable[[int, int], np.ndarray]) -> np.ndarray:
    """Both axes by their matrices of weights, which may be of ones where there is any."""
    rows, columns = weights(x.shape[1], size[0]), weights(x.shape[2], size[1])
    return np.einsum("bhwc,ih,jw->bijc", x, rows, columns)


def rounded(x: np.ndarray, value: np.ndarray, size: tuple[int, int], weights: Callable[[int, int], np.ndarray]) -> Want:
    """Within the rounding of sums of as many entries as are read, and of places that are computed in the dtype.

    A weight is off by as much as its place is, whatever its own size: the entries that are read count in full, and so
    do those beside them, which a place that is a little off reads. In half precision places are not computed, since
    40.5 is no number of bfloat16.
    """

    def read(n: int, m: int) -> np.ndarray:
        own = np.pad(weights(n, m) != 0, ((0, 0), (1, 1)))
        return (own[:, :-2] | own[:, 1:-1] | own[:, 2:]).astype(float)

    terms = int(sum(read(n, m).sum(1).max() for n, m in zip(x.shape[1:3], size, strict=True))) + 4
    lengths = sum(x.shape[1:3]) if x.dtype.itemsize > 2 else 0
    finite = np.nan_to_num(np.abs(wide(x)), nan=0, posinf=0)
    return bound(value, applied(finite, size, read), terms + 2 * lengths, str(x.dtype))


def wanted(operation: str, readings: dict, x: np.ndarray, *, size: tuple[int, int], **given: Any) -> Want:
    """The oracle's result in the subject's readings."""
    told = {name: value for name, value in (readings | given).items() if name != "no_size"}
    value = getattr(oracle, operation)(wide(x), size=size, **told)
    if operation == "resize_nearest":
        return exact(value, str(x.dtype))
    named = {name: told[name] for name in told if name != "reach"}
    weights = oracle.linear_weights if operation == "resize_linear" else oracle.cubic_weights
    return rounded(x, value, size, partial(weights, **named))


def pulled(
    operation: str, readings: dict, x: np.ndarray, g: np.ndarray, *, size: tuple[int, int], **given: Any
) -> tuple[Want]:
    """The transposed weights, applied to the cotangents."""
    told = {name: value for name, value in (readings | given).items() if name not in ("reach", "no_size")}

    def weights(m: int, n: int) -> np.ndarray:
        if operation == "resize_nearest":
            return (oracle.taken(n, m, told["takes"])[:, None] == np.arange(n)).astype(float).T
        return (oracle.linear_weights if operation == "resize_linear" else oracle.cubic_weights)(n, m, **told).T

    lengths = x.shape[1], x.shape[2]
    return (rounded(g, applied(wide(g), lengths, weights), lengths, weights),)


def image(shape: tuple[int, ...], dtype: str = "float32") -> np.ndarray:
    return normal_draws(171, shape, dtype)


def each(sizes: Any, lean: bool) -> Iterator[tuple[str, tuple[int, ...], tuple[int, int]]]:
    """Every dtype with every pair of sizes; where programs are compiled, all of them in float32 alone."""
    for dtype in DTYPES:
        for shape, size in sizes if dtype == "float32" or not lean else sizes[:1]:
            yield dtype, shape, size


def asked(operation: str, readings: dict, sizes: Any, lean: bool, note: str, **given: Any) -> Iterator[Case]:
    for dtype, shape, size in each(sizes, lean):
        x = image(shape, dtype)
        yield call(operation, x, size=size, **given, want=partial(wanted, operation, readings), note=note)


def plain(operation: str) -> dict:
    """What is told of a resizing that is not antialiased."""
    return {"antialias": False} if operation == "resize_linear" else {}


# ---- values


@clause("resize.example")
def test_example(operation: str, readings: dict) -> Iterator[Case]:
    rows = NEAREST[readings["takes"]] if operation == "resize_nearest" else LINEAR[readings["coordinates"]]
    for dtype in ("float32", "bfloat16"):
        for row, right in rows:
            x, y = (np.array(a, DTYPES[dtype])[None, None, :, None] for a in (row, right))
            yield call(operation, x, size=(1, len(right)), **plain(operation), want=exact(y, dtype), note="by hand")


@clause("resize-nearest.takes")
def test_takes(readings: dict, lean: bool) -> Iterator[Case]:
    yield from asked("resize_nearest", readings, SIZES, lean, "the place, or its middle, rounded otherwise")


def hard(n: int, m: int) -> bool:
    """Whether an entry is decided by a whole number that a rounded factor would miss."""
    i, factor = np.arange(m), np.float32(n) / np.float32(m)
    corner, middle = np.floor(i.astype(np.float32) * factor), np.floor((i + np.float32(0.5)) * factor)
    return bool((corner != i * n // m).any() or (middle != (2 * i + 1) * n // (2 * m)).any())


@clause("resize-nearest.every-length")
def test_every_length(readings: dict, lean: bool) -> Iterator[Case]:
    pairs = [(n, m) for n in range(1, 41) for m in range(1, 41)]
    for n, m in [pair for pair in pairs if hard(*pair)] if lean else pairs:
        x = np.arange(n, dtype=np.float32)[None, :, None, None] * np.ones((1, 1, 2, 1), np.float32)
        want = partial(wanted, "resize_nearest", readings)
        yield call("resize_nearest", x, size=(m, 2), want=want, note=f"{n} to {m}: a factor that was rounded before")


@clause("resize-nearest.gradient")
def test_nearest_gradient(readings: dict, lean: bool) -> Iterator[Case]:
    note = "one of the places that took an entry, and not their sum"
    yield from gradients("resize_nearest", readings, SIZES, lean, note)


def gradients(operation: str, readings: dict, sizes: Any, lean: bool, note: str, **given: Any) -> Iterator[Case]:
    for dtype, shape, size in each(sizes, lean):
        g = normal_draws(172, (shape[0], *size, shape[3]), dtype)
        want = partial(pulled, operation, readings)
        yield gradient(operation, image(shape, dtype), size=size, **given, cotangents=g, want=want, note=note)


@clause("resize-linear.coordinates")
def test_coordinates(readings: dict, lean: bool) -> Iterator[Case]:
    yield from asked("resize_linear", readings, SIZES, lean, "another place for each entry", antialias=False)


@clause("resize-linear.antialias")
def test_antialias(readings: dict, lean: bool) -> Iterator[Case]:
    sizes = (*WINDOWS, *SIZES)
    yield from asked("resize_linear", readings, sizes, lean, "a window of another width", antialias=True)
    if readings["coordinates"] == "half-pixel":
        row, right = (np.array(a, np.float32)[None, None, :, None] for a in ANTIALIASED)
        want = bound(right, 7, 4, "float32")
        yield call("resize_linear", row, size=(1, right.size), antialias=True, want=want, note="by hand: 3 and 1")


@clause("resize-linear.default-antialias")
def test_default_antialias(default: bool, readings: dict) -> Iterator[Case]:
    x = image((2, 11, 9, 2))
    want = wanted("resize_linear", readings, x, size=(4, 3), antialias=default)
    yield call("resize_linear", x, size=(4, 3), want=want, note="what is done when nothing is said")


@clause("resize-cubic.kernel")
def test_kernel(readings: dict, lean: bool) -> Iterator[Case]:
    for dtype, shape, size in each([((1, 12, 10, 2), size) for size in ((25, 27), (12, 15), (7, 6), (3, 3))], lean):
        x = np.zeros(shape, DTYPES[dtype])
        x[INNER] = image((1, 6, 4, 2), dtype)  # what lies beyond the border is 0, whoever reads it, and how
        yield call("resize_cubic", x, size=size, want=partial(wanted, "resize_cubic", readings), note="another cubic")


@clause("resize-cubic.border")
def test_border(readings: dict, lean: bool) -> Iterator[Case]:
    yield from asked("resize_cubic", readings, SIZES, lean, "something else beyond the border")


@clause("resize.gradient")
def test_gradient(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    note = "weights that are not those of the result"
    yield from gradients(operation, readings, SIZES, lean, note, **plain(operation))
    if operation == "resize_linear" and readings["coordinates"] == "half-pixel":
        yield from gradients(operation, readings, WINDOWS, lean, "those of another window", antialias=True)


@clause("resize.flat")
def test_flat(operation: str, readings: dict) -> Iterator[Case]:
    settings: list[dict] = [plain(operation)]
    if operation == "resize_linear" and readings["coordinates"] == "half-pixel":
        settings.append({"antialias": True})
    for given in settings:
        for shape, size in (*SIZES, *WINDOWS):
            x = np.full(shape, 3, np.float32)
            want = partial(_flat, operation, readings)
            yield call(operation, x, size=size, **given, want=want, note="weights that do not add up to 1")


def _flat(operation: str, readings: dict, x: np.ndarray, **given: Any) -> Want:
    size = given["size"]
    want = wanted(operation, readings, x, **given)
    return want if np.allclose(want.value, 3) else exact(np.full((len(x), *size, x.shape[-1]), 3.0))


@clause("resize.same-size")
def test_same_size(operation: str) -> Iterator[Case]:
    for dtype in DTYPES:
        x = image((2, 7, 5, 3), dtype)
        for given in ({}, {"antialias": True}) if operation == "resize_linear" else ({},):
            yield call(
                operation, x, size=(7, 5), **given, want=exact(x, dtype), note="something done where nothing is to do"
            )


@clause("resize.reach")
def test_reach(operation: str, readings: dict) -> Iterator[Case]:
    for hole in (np.nan, np.inf):
        x = image((1, 8, 9, 1))
        x[0, 3, 4, 0] = hole
        for size in ((16, 18), (4, 6)):
            want = partial(wanted, operation, readings)
            yield call(operation, x, size=size, **plain(operation), want=want, note=f"one entry of {hole}")


@clause("resize.no-size")
def test_no_size(trial: Trial, operation: str) -> None:
    x, given = image((2, 5, 4, 3)), plain(operation)
    trial.call(x, size=(3, 2), **given)
    for size in ((0, 3), (3, 0)):
        try:
            got = trial.call(x, size=size, **given)
        except Refused:
            trial.require(trial.readings["no_size"] == "refused", f"a size of {size} is refused")
            continue
        empty = trial.readings["no_size"] == "empty" and np.shape(got) == (2, *size, 3)
        trial.require(empty, f"a size of {size}: got the shape {np.shape(got)}")


# ---- pixel shuffle


def numbered(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Whole numbers, of which few are alike in half precision."""
    return np.random.default_rng(173).permutation(np.prod(shape)).reshape(shape).astype(DTYPES[dtype])


def shuffles(operation: str) -> Iterator[tuple[tuple[int, ...], int]]:
    yield from (
        [((2, 3, 2, 12), 2), ((1, 2, 3, 18), 3), ((2, 1, 3, 5), 1), ((2, 3, 4, 4), 2), ((1, 2, 3, 1), 1),
         ((1, 2, 3, 32), 4)]
        if operation == "pixel_shuffle"
        else [((2, 4, 6, 3), 2), ((1, 6, 3, 2), 3), ((2, 1, 3, 5), 1), ((2, 2, 4, 4), 2), ((3, 2, 1, 2), 1),
              ((1, 8, 12, 2), 4)]
    )  # fmt: skip


@clause("pixel-shuffle.order")
def test_order(operation: str, readings: dict) -> Iterator[Case]:
    if operation == "pixel_shuffle":
        x = np.arange(4, dtype=np.float32)[None, None, None]
        square = exact(np.array([[0, 1], [2, 3]], np.float32)[None, :, :, None])
        yield call(operation, x, factor=2, want=square, note="by hand: rows and columns of the square exchanged")
    for dtype in DTYPES:
        for shape, factor in shuffles(operation):
            want = partial(_shuffled, operation, readings)
            yield call(operation, numbered(shape, dtype), factor=factor, want=want, note="another order of channels")


def _shuffled(operation: str, readings: dict, x: np.ndarray, **given: Any) -> Want:
    return exact(getattr(oracle, operation)(wide(x), **given, **readings), str(x.dtype))


@clause("pixel-shuffle.gradient")
def test_shuffle_gradient(operation: str, readings: dict) -> Iterator[Case]:
    for dtype in DTYPES:
        for shape, factor in shuffles(operation):
            x = numbered(shape, dtype)
            g = numbered(getattr(oracle, operation)(x, factor=factor).shape, dtype)
            want = partial(_shuffled_back, operation, readings)
            yield gradient(operation, x, factor=factor, cotangents=g, want=want, note="the same order once more")


def _shuffled_back(operation: str, readings: dict, x: np.ndarray, g: np.ndarray, **given: Any) -> tuple[Want]:
    back = {"pixel_shuffle": oracle.pixel_unshuffle, "pixel_unshuffle": oracle.pixel_shuffle}[operation]
    return (exact(back(wide(g), **given, **readings), str(x.dtype)),)


# ---- refusals


@clause("resize.size-error")
def test_size(operation: str) -> Iterator[ErrorCase]:
    for size in ((4, -1), (4,), (4, 3, 2)):
        given = plain(operation)
        yield refusal(
            operation, image((2, 5, 4, 3)), size=size, **given, valid={"size": (4, 3)}, note=f"a size of {size}"
        )


@clause("pixel-shuffle.channels-error")
def test_channels() -> Iterator[ErrorCase]:
    for channels in (3, 6, 10):
        x = image((1, 2, 3, channels))
        yield refusal("pixel_shuffle", x, factor=2, valid=(image((1, 2, 3, 8)),), note=f"{channels} channels by 2")


@clause("pixel-unshuffle.lengths-error")
def test_lengths() -> Iterator[ErrorCase]:
    for lengths in ((3, 4), (4, 5)):
        x = image((1, *lengths, 2))
        yield refusal("pixel_unshuffle", x, factor=2, valid=(image((1, 4, 6, 2)),), note=f"{lengths} by 2")
