"""Tests of gradient clipping: by value, by the norm of each array, by the common norm, and at the edges of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from ml_dtypes import finfo

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES, float_dtype
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.training import gradient_clipping as oracle
from nnspec_conformance.tolerance import bound, exact, ulps
from nnspec_conformance.trial import Trial

SHAPES = {"kernel": (3, 5), "bias": ()}
LIMIT = 0.5
SLOPE_LIMIT = 0.25  # of every question about a derivative: a compiling subject makes one program for each limit


def tree(dtype: str, scale: float = 1.0, seed: int = 60) -> dict[str, np.ndarray]:
    """Unequal leaves: no entry zero, no two alike."""
    draws = enumerate(SHAPES.items())
    return {name: np.asarray(normal_draws(seed + i, shape, dtype, scale)) for i, (name, shape) in draws}


def placed(dtype: str, **entries: Any) -> dict[str, np.ndarray]:
    """Zeros with these entries at the front of an array: every question has the same shapes, and is compiled once."""
    gradients = {name: np.zeros(shape, DTYPES[dtype]) for name, shape in SHAPES.items()}
    for name, front in entries.items():
        gradients[name].reshape(-1)[: len(front)] = front
    return gradients


def unchanged(gradients: dict, **_: Any) -> dict:
    return {name: exact(wide(g), str(g.dtype)) for name, g in gradients.items()}


def terms(operation: str, gradients: dict, name: str) -> int:
    """How many entries share the norm, and three for root, quotient and product."""
    sharing = [gradients[name]] if operation == "clip_by_norm" else list(gradients.values())
    return sum(g.size for g in sharing) + 3


def value(operation: str, readings: dict) -> Callable:
    """What the oracle gives in the subject's readings, within the bound of a norm."""

    def want(gradients: dict, **given: Any) -> dict:
        with np.errstate(over="ignore"):
            values = getattr(oracle, operation)(wide(gradients), **given, **readings)
        return {
            name: bound(y, np.nan_to_num(np.abs(y)), terms(operation, gradients, name), str(gradients[name].dtype))
            for name, y in values.items()
        }

    return want


def slope(operation: str, readings: dict) -> Callable:
    """The gradient, within twice as many terms: the sum along the gradient is one more."""

    def want(gradients: dict, cotangents: dict, **given: Any) -> tuple:
        dtype, (g, v) = float_dtype((gradients,)) or "float32", wide((gradients, cotangents))
        vjp, size = getattr(oracle, f"{operation}_vjp"), {name: np.abs(x) for name, x in g.items()}
        (values,) = vjp(g, v, **given, **readings)
        weights = {name: np.abs(x) for name, x in v.items()}
        (same,) = vjp(size, weights, **given, **readings)
        y = getattr(oracle, operation)(g, **given, **readings)
        # with all signs alike the second term is subtracted: twice the first less that is the sum of both
        absolute = {name: 2 * np.abs(y[name] / x) * weights[name] - same[name] for name, x in g.items()}
        wants = {
            name: bound(x, absolute[name], 2 * terms(operation, gradients, name), dtype) for name, x in values.items()
        }
        return (wants,)

    return want


# ---- by value


@clause("clip-by-value.value")
def test_value() -> Iterator[Case]:
    def want(gradients: dict, *, limit: float) -> dict:
        values = oracle.clip_by_value(wide(gradients), limit=limit)
        return {name: exact(y, str(gradients[name].dtype)) for name, y in values.items()}

    for dtype in DTYPES:
        for limit in (0.5, 1.5):  # numbers of every dtype
            yield call("clip_by_value", tree(dtype), limit=limit, want=want, note="clips on one side only")
    yield call("clip_by_value", tree("float64"), limit=0.3, want=want, note="rounds the limit to float32")
    yield call(
        "clip_by_value", placed("float32", kernel=[LIMIT, -LIMIT]), limit=LIMIT, want=unchanged, note="at the limit"
    )


@clause("clip-by-value.infinite")
def test_value_infinite() -> Iterator[Case]:
    for dtype in DTYPES:
        gradients = placed(dtype, kernel=[np.inf, -np.inf, 0.25])
        want = unchanged(placed(dtype, kernel=[LIMIT, -LIMIT, 0.25]))
        yield call("clip_by_value", gradients, limit=LIMIT, want=want, note="infinity less infinity")


@clause("clip-by-value.gradient")
def test_value_gradient() -> Iterator[Case]:
    def want(gradients: dict, cotangents: dict, *, limit: float) -> tuple:
        (values,) = oracle.clip_by_value_vjp(wide(gradients), wide(cotangents), limit=limit)
        return ({name: exact(x, str(gradients[name].dtype)) for name, x in values.items()},)

    for dtype in ("float16", "float32"):
        yield gradient("clip_by_value", tree(dtype), cotangents=tree(dtype, seed=80), limit=LIMIT, want=want)


@clause("clip-by-value.gradient-at-limit")
def test_value_gradient_at_limit(trial: Trial) -> None:
    gradients, cotangents = placed("float32", kernel=[LIMIT, -LIMIT]), placed("float32", kernel=[1.0, 1.0])
    (found,) = trial.vjp((gradients,), cotangents, limit=LIMIT)
    slopes = np.ravel(found["kernel"])[:2].astype(np.float64)
    between = bool(np.all((slopes >= 0) & (slopes <= 1)))
    trial.require(between, f"the derivative at the limit is {slopes}, expected between 0 and 1")


# ---- by a norm


@clause("clip.example")
def test_example(operation: str, readings: dict) -> Iterator[Case]:
    for dtype in DTYPES:
        gradients = placed(dtype, **oracle.EXAMPLE)
        yield call(operation, gradients, limit=oracle.EXAMPLE_LIMIT, want=value(operation, readings))


@clause("clip.scaled")
def test_scaled(operation: str, readings: dict) -> Iterator[Case]:
    for dtype in DTYPES:
        yield call(operation, tree(dtype), limit=LIMIT, want=value(operation, readings), note="another norm")
    yield call(operation, tree("float32", 64.0), limit=1.5, want=value(operation, readings), note="forgets the limit")
    yield call(operation, tree("float64"), limit=0.3, want=value(operation, readings), note="rounds it to float32")
    for entries, size in at_limit(operation, readings):
        gradients = placed("float32", **entries)
        yield call(operation, gradients, limit=15 / 16 * size, want=value(operation, readings), note="a tolerance")


@clause("clip.many-entries")
def test_many_entries(operation: str, readings: dict) -> Iterator[Case]:
    def want(gradients: dict, *, limit: float) -> dict:
        values = getattr(oracle, operation)(wide(gradients), limit=limit, **readings)
        return {name: ulps(y, 4, str(gradients[name].dtype)) for name, y in values.items()}

    gradients = {"kernel": normal_draws(63, (64, 64), "bfloat16", 0.25), "bias": normal_draws(64, (4,), "bfloat16")}
    yield call(operation, gradients, limit=0.125, want=want, note="the squares are added in bfloat16")


@clause("clip-by-norm.size")
def test_size(readings: dict) -> Iterator[Case]:
    for dtype in ("float32", "float64"):
        yield call("clip_by_norm", tree(dtype), limit=0.25, want=value("clip_by_norm", readings), note="another size")


@clause("clip-by-norm.alone")
def test_alone(readings: dict) -> Iterator[Case]:
    want = value("clip_by_norm", readings)
    for scale in (1.0, 1024.0):
        gradients = tree("float32")
        gradients["kernel"] *= np.float32(scale)
        yield call("clip_by_norm", gradients, limit=0.25, want=want, note="one factor for all arrays")


@clause("clip-by-global-norm.scope")
def test_scope(readings: dict) -> Iterator[Case]:
    want = value("clip_by_global_norm", readings)
    for dtype in ("float32", "float64"):
        gradients = placed(dtype, kernel=[3.0], bias=[4.0])
        yield call("clip_by_global_norm", gradients, limit=1.0, want=want, note="each array by itself")


@clause("clip-by-global-norm.mixed")
def test_mixed(readings: dict) -> Iterator[Case]:
    gradients = placed("float32", kernel=[3.0]) | {"bias": np.asarray(4.0, DTYPES["bfloat16"])}
    want = value("clip_by_global_norm", readings)
    yield call("clip_by_global_norm", gradients, limit=1.0, want=want, note="each dtype by itself")


@clause("clip.denominator")
def test_denominator(operation: str, readings: dict) -> Iterator[Case]:
    for dtype in ("float32", "float64"):  # norms of some thousandths: a millionth shows
        gradients = tree(dtype, 2.0**-10)
        yield call(operation, gradients, limit=2.0**-12, want=value(operation, readings), note="another epsilon")


@clause("clip.below")
def test_below(operation: str, readings: dict) -> Iterator[Case]:
    for dtype in DTYPES:
        for limit in (1.0, unstable(dtype)):
            gradients = {name: np.asarray(g * g.dtype.type(limit / 32)) for name, g in tree(dtype).items()}
            yield call(operation, gradients, limit=limit, want=unchanged, note="limit times one over the limit")
        yield call(
            operation, tree(dtype, 16.0), limit=huge(dtype), want=unchanged, note="gradient times limit overflows"
        )
    for entries, size in at_limit(operation, readings):
        yield call(operation, placed("float32", **entries), limit=17 / 16 * size, want=unchanged, note="lengthens it")


def huge(dtype: str) -> float:
    """A power of 2 whose square overflows, an eighth of the first number that does."""
    return float(np.ldexp(1.0, int(finfo(DTYPES[dtype]).maxexp) - 3))


def unstable(dtype: str) -> float:
    """The first whole number c for which c times 1/c, each rounded, is not 1."""
    one = np.ones((), DTYPES[dtype])
    numbers = (np.asarray(c, DTYPES[dtype]) for c in range(1, 200))
    return next(float(c) for c in numbers if np.asarray(c * np.asarray(one / c)).astype(DTYPES[dtype]) != one)


@clause("clip.at-limit")
def test_at_limit(operation: str, readings: dict) -> Iterator[Case]:
    added = readings["denominator"] != "norm"
    want = value(operation, readings) if added else unchanged
    for dtype in DTYPES:
        for scale in (1.0, 2.0**-8):
            for entries, size in at_limit(operation, readings):
                gradients = placed(dtype, **{name: np.multiply(x, scale) for name, x in entries.items()})
                yield call(operation, gradients, limit=size * scale, want=want, note="an epsilon in the denominator")


def at_limit(operation: str, readings: dict) -> list[tuple[dict, float]]:
    """Entries and the size that they have exactly, whatever the order of the sum."""
    if readings.get("size") == "root-mean-square":
        return [({"kernel": [5.0, -5.0, 5.0] * 5, "bias": [-5.0]}, 5.0)]
    if operation == "clip_by_norm":
        return [({"kernel": [3.0, -4.0], "bias": [5.0]}, 5.0), ({"kernel": [5.0, -12.0], "bias": [-13.0]}, 13.0)]
    return [({"kernel": [3.0], "bias": [-4.0]}, 5.0), ({"kernel": [3.0, 4.0], "bias": [-12.0]}, 13.0)]


@clause("clip.gradient")
def test_gradient(operation: str, readings: dict) -> Iterator[Case]:
    for dtype in ("float32", "float64"):
        asked = {"cotangents": tree(dtype, seed=80), "limit": SLOPE_LIMIT}
        yield gradient(operation, tree(dtype), **asked, want=slope(operation, readings), note="the norm held constant")
        yield gradient(operation, tree(dtype, 2.0**-6), **asked, want=identity, note="the slope of the other branch")


def identity(gradients: dict, cotangents: dict, **_: Any) -> tuple:
    return ({name: exact(wide(v), str(v.dtype)) for name, v in cotangents.items()},)


# ---- at the edges


@clause("clip.zero")
def test_zero(operation: str) -> Iterator[Case]:
    for dtype in DTYPES:
        yield call(operation, placed(dtype), limit=LIMIT, want=unchanged, note="0/0")


@clause("clip.derivative-at-zero")
def test_derivative_at_zero(operation: str) -> Iterator[Case]:
    for dtype in ("float32", "float64"):
        yield gradient(operation, placed(dtype), cotangents=tree(dtype, seed=80), limit=SLOPE_LIMIT, want=identity)


@clause("clip.limit-zero")
def test_limit_zero(operation: str) -> Iterator[Case]:
    def nothing(gradients: dict, **_: Any) -> dict:
        return {name: exact(0 * wide(g), str(g.dtype)) for name, g in gradients.items()}

    for gradients in (tree("float32"), placed("float32")):
        yield call(operation, gradients, limit=0.0, want=nothing, note="0 taken for no limit, or 0/0")


@clause("clip.limit-infinite")
def test_limit_infinite(operation: str) -> Iterator[Case]:
    for gradients in (tree("float32"), placed("float32")):
        yield call(operation, gradients, limit=float("inf"), want=unchanged, note="infinity times 0")


@clause("clip.range")
def test_range(operation: str, readings: dict) -> Iterator[Case]:
    want = value(operation, readings)
    for dtype in DTYPES:
        large = huge(dtype)
        for entries, note in (
            ({"kernel": [3 * large, -4 * large]}, "squares overflow"),
            ({"kernel": [4 * large] * 8}, "the norm overflows"),
            ({"bias": [-4 * large]}, "another array is the largest"),
        ):
            yield call(operation, placed(dtype, **entries), limit=1.0, want=want, note=note)
        if readings["denominator"] == "norm":  # an epsilon is far larger than these
            tiny = float(np.ldexp(1.0, int(finfo(DTYPES[dtype]).minexp) + 2))
            gradients = placed(dtype, kernel=[3 * tiny, -4 * tiny])
            yield call(operation, gradients, limit=tiny, want=want, note="squares underflow")
    long = placed("float32", kernel=[4 * huge("float32")] * 8)
    yield call(operation, long, limit=float("inf"), want=want, note="infinity over infinity")
    asked = {"cotangents": tree("float32", seed=80), "limit": SLOPE_LIMIT}
    yield gradient(operation, tree("float32", 2.0**80), **asked, want=slope(operation, readings), note="its slope")


def with_infinity(sign: int) -> dict[str, np.ndarray]:
    gradients = tree("float32")
    gradients["kernel"][1, 2] = sign * np.inf
    return gradients


@clause("clip-by-norm.infinite")
def test_infinite(readings: dict) -> Iterator[Case]:
    for sign in (1, -1):
        want = value("clip_by_norm", readings)
        yield call("clip_by_norm", with_infinity(sign), limit=0.25, want=want, note="all zeros, in silence")


@clause("clip-by-global-norm.infinite")
def test_global_infinite(readings: dict) -> Iterator[Case]:
    for sign in (1, -1):
        want = value("clip_by_global_norm", readings)
        yield call("clip_by_global_norm", with_infinity(sign), limit=0.25, want=want, note="all zeros, in silence")


# ---- refusals


@clause("clip.negative-limit")
def test_negative_limit(operation: str) -> Iterator[ErrorCase]:
    for limit in (-1.0, -float("inf")):
        yield refusal(operation, tree("float32"), limit=limit, valid={"limit": 1.0}, note=f"the limit {limit}")


@clause("clip.nan-limit")
def test_nan_limit(operation: str) -> Iterator[ErrorCase]:
    yield refusal(operation, tree("float32"), limit=float("nan"), valid={"limit": 1.0}, note="a limit that is NaN")
