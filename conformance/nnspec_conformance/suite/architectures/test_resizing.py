"""Tests of architectures/resizing: where each place reads, with which weights; pixel shuffle."""

from __future__ import annotations

import itertools
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
# Up and down, both at once, one axis alone, by factors that are whole and that are not; the first ones hold most.
SIZES = (((2, 5, 8, 3), (7, 3)), ((1, 6, 5, 2), (6, 15)), ((2, 9, 7, 3), (8, 2)), ((2, 9, 4, 2), (4, 12)))
WINDOWS = (((2, 11, 9, 2), (4, 3)), ((1, 8, 5, 1), (2, 12)), ((1, 16, 3, 1), (3, 1)))
FRAMED = tuple(((1, 12, 10, 2), size) for size in ((25, 27), (3, 6), (12, 15), (7, 3)))  # entries far from the border
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


def each(sizes: Any, lean: bool, few: int = 3, fewer: int = 1) -> Iterator[tuple[str, tuple[int, ...], Any]]:
    """Every dtype with every pair of sizes; where programs are compiled, with a few in float32, and fewer in others."""
    for dtype in DTYPES:
        for shape, size in sizes[: few if dtype == "float32" else fewer] if lean else sizes:
            yield dtype, shape, size


def asked(
    operation: str, readings: dict, sizes: Any, lean: bool, note: str, *, few: int = 3, **given: Any
) -> Iterator[Case]:
    for dtype, shape, size in each(sizes, lean, few):
        x = image(shape, dtype)
        yield call(operation, x, size=size, **given, want=partial(wanted, operation, readings), note=note)


def plain(operation: str) -> dict:
    """What is told of a resizing that is not antialiased."""
    return {"antialias": False} if operation == "resize_linear" else {}


# ---- values


@clause("resize.example")
def test_example(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    rows = NEAREST[readings["takes"]] if operation == "resize_nearest" else LINEAR[readings["coordinates"]]
    for dtype in ("float32",) if lean else ("float32", "bfloat16"):
        for row, right in rows:
            x, y = (np.array(a, DTYPES[dtype])[None, None, :, None] for a in (row, right))
            yield call(operation, x, size=(1, len(right)), **plain(operation), want=exact(y, dtype), note="by hand")


@clause("resize-nearest.takes")
def test_takes(readings: dict, lean: bool) -> Iterator[Case]:
    yield from asked("resize_nearest", readings, SIZES, lean, "the place, or its middle, rounded otherwise")


# How else the number can be computed that is rounded down; the last way rounds the factor alone.
WAYS: tuple[Callable[[np.ndarray, Any, Any], Any], ...] = (
    lambda place, n, m: place * (n / m),
    lambda place, n, m: place / (m / n),
    lambda place, n, m: place * (1 / (m / n)),
    lambda place, n, m: place / m * n,
    lambda place, n, m: place.astype(np.float64) * np.float64(n / m),
)
A_WAY = 6  # pairs of lengths
Pair = tuple[int, int]


def missed(way: Callable, kind: type[np.floating], half: float, n: int, m: int) -> bool:
    """Whether another entry is taken where the number is computed in this way."""
    i = np.arange(m)
    found = np.floor(way((i + half).astype(kind), kind(n), kind(m)))
    return bool((np.minimum(found, n - 1) != (i * n // m if half == 0 else (2 * i + 1) * n // (2 * m))).any())


def hard(pairs: list[Pair], takes: str) -> list[Pair]:
    """The longest and the shortest ones, and some on which each way of computing the number is wrong."""
    half, chosen = 0 if takes == "corner" else 0.5, {(1, 40), (40, 1)}
    for way, kind in itertools.product(WAYS, (np.float32, np.float64)):
        wrong = [pair for pair in pairs if missed(way, kind, half, *pair)]
        chosen |= set(wrong[:: -(-len(wrong) // A_WAY)] if wrong else ())
    return sorted(chosen)


@clause("resize-nearest.every-length")
def test_every_length(readings: dict, lean: bool) -> Iterator[Case]:
    pairs = [(n, m) for n in range(1, 41) for m in range(1, 41)]
    rows = hard(pairs, readings["takes"]) if lean else pairs
    both = list(zip(rows, rows[::-1], strict=True))
    for (n, m), (k, w) in both[: (len(both) + 1) // 2] if lean else both:  # each pair once, in rows or in columns
        x = np.arange(n * k, dtype=np.float32).reshape(1, n, k, 1)
        want = partial(wanted, "resize_nearest", readings)
        note = f"{n} to {m} and {k} to {w}: a factor that was rounded before"
        yield call("resize_nearest", x, size=(m, w), want=want, note=note)


@clause("resize-nearest.gradient")
def test_nearest_gradient(readings: dict, lean: bool) -> Iterator[Case]:
    note = "one of the places that took an entry, and not their sum"
    yield from gradients("resize_nearest", readings, SIZES, lean, note)


def gradients(operation: str, readings: dict, sizes: Any, lean: bool, note: str, **given: Any) -> Iterator[Case]:
    for dtype, shape, size in each(sizes, lean, few=2):
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
    for dtype, shape, size in each(FRAMED, lean, few=2):
        x = np.zeros(shape, DTYPES[dtype])
        x[INNER] = image((1, 6, 4, 2), dtype)  # what lies beyond the border is 0, whoever reads it, and how
        yield call("resize_cubic", x, size=size, want=partial(wanted, "resize_cubic", readings), note="another cubic")


@clause("resize-cubic.border")
def test_border(readings: dict, lean: bool) -> Iterator[Case]:
    sizes = (*FRAMED[:2], *SIZES[1:], SIZES[0])  # first those that are compiled for the kernel
    yield from asked("resize_cubic", readings, sizes, lean, "something else beyond the border", few=4)


@clause("resize.gradient")
def test_gradient(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    note = "weights that are not those of the result"
    yield from gradients(operation, readings, SIZES, lean, note, **plain(operation))
    if operation == "resize_linear" and readings["coordinates"] == "half-pixel":
        yield from gradients(operation, readings, WINDOWS, lean, "those of another window", antialias=True)


@clause("resize.flat")
def test_flat(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    compiled = (*FRAMED[:2], *SIZES[1:3]) if operation == "resize_cubic" else SIZES[:3]  # by other tests
    settings: list[tuple[Any, dict]] = [(compiled if lean else (*FRAMED, *SIZES, *WINDOWS), plain(operation))]
    if operation == "resize_linear" and readings["coordinates"] == "half-pixel":
        settings.append((WINDOWS if lean else (*SIZES, *WINDOWS), {"antialias": True}))
    for sizes, given in settings:
        for shape, size in sizes:
            x = np.full(shape, 3, np.float32)
            want = partial(_flat, operation, readings)
            yield call(operation, x, size=size, **given, want=want, note="weights that do not add up to 1")


def _flat(operation: str, readings: dict, x: np.ndarray, **given: Any) -> Want:
    size = given["size"]
    want = wanted(operation, readings, x, **given)
    return want if np.allclose(want.value, 3) else exact(np.full((len(x), *size, x.shape[-1]), 3.0))


@clause("resize.same-size")
def test_same_size(operation: str, lean: bool) -> Iterator[Case]:
    note = "something done where nothing is to do"
    for dtype in DTYPES:
        x = image((2, 7, 5, 3), dtype)
        yield call(operation, x, size=(7, 5), want=exact(x, dtype), note=note)
        if operation == "resize_linear" and (dtype == "float32" or not lean):
            yield call(operation, x, size=(7, 5), antialias=True, want=exact(x, dtype), note=note)


@clause("resize.reach")
def test_reach(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    for hole in (np.nan, np.inf):
        x = image((1, 8, 9, 1))
        x[0, 3, 4, 0] = hole
        for size in ((16, 6),) if lean else ((16, 6), (4, 18)):
            want = partial(wanted, operation, readings)
            yield call(operation, x, size=size, **plain(operation), want=want, note=f"one entry of {hole}")


@clause("resize.no-size")
def test_no_size(trial: Trial, operation: str) -> None:
    (shape, allowed), given = SIZES[0], plain(operation)
    x = image(shape)
    trial.call(x, size=allowed, **given)
    for size in ((0, 3), (3, 0)):
        try:
            got = trial.call(x, size=size, **given)
        except Refused:
            trial.require(trial.readings["no_size"] == "refused", f"a size of {size} is refused")
            continue
        empty = trial.readings["no_size"] == "empty" and np.shape(got) == (shape[0], *size, shape[-1])
        trial.require(empty, f"a size of {size}: got the shape {np.shape(got)}")


# ---- pixel shuffle


def numbered(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Whole numbers, of which few are alike in half precision."""
    return np.random.default_rng(173).permutation(np.prod(shape)).reshape(shape).astype(DTYPES[dtype])


def shuffles(operation: str) -> list[tuple[tuple[int, ...], int]]:
    return (
        [((2, 3, 2, 12), 2), ((1, 2, 3, 18), 3), ((1, 2, 3, 32), 4), ((2, 1, 3, 5), 1), ((2, 3, 4, 4), 2),
         ((1, 2, 3, 1), 1)]
        if operation == "pixel_shuffle"
        else [((2, 4, 6, 3), 2), ((1, 6, 3, 2), 3), ((1, 8, 12, 2), 4), ((2, 1, 3, 5), 1), ((2, 2, 4, 4), 2),
              ((3, 2, 1, 2), 1)]
    )  # fmt: skip


@clause("pixel-shuffle.order")
def test_order(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    if operation == "pixel_shuffle":
        x = np.arange(4, dtype=np.float32)[None, None, None]
        square = exact(np.array([[0, 1], [2, 3]], np.float32)[None, :, :, None])
        yield call(operation, x, factor=2, want=square, note="by hand: rows and columns of the square exchanged")
    for dtype, shape, factor in each(shuffles(operation), lean, few=6, fewer=2):
        want = partial(_shuffled, operation, readings)
        yield call(operation, numbered(shape, dtype), factor=factor, want=want, note="another order of channels")


def _shuffled(operation: str, readings: dict, x: np.ndarray, **given: Any) -> Want:
    return exact(getattr(oracle, operation)(wide(x), **given, **readings), str(x.dtype))


@clause("pixel-shuffle.gradient")
def test_shuffle_gradient(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    for dtype, shape, factor in each(shuffles(operation), lean, few=6, fewer=2):
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
