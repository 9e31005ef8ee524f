"""Tests of penalties: values, slopes, the step towards zero and the bound on the norms of a kernel's columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES, float_dtype
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.training import regularization as oracle
from nnspec_conformance.suite.components._long_sums import near_one, told_apart
from nnspec_conformance.tolerance import bound, exact, ulps
from nnspec_conformance.trial import Trial

STRENGTHS: dict[str, dict[str, Any]] = {
    "l1_penalty": {"strength": 0.5},
    "l2_penalty": {"strength": 0.25},
    "elastic_net_penalty": {"l1": 0.5, "l2": 0.25},
}
SHAPE = (3, 5)
ONE = np.asarray(0.75)


def draws(dtype: str, seed: int = 70, scale: float = 1.0) -> np.ndarray:
    """No entry zero, no two alike."""
    return np.asarray(normal_draws(seed, SHAPE, dtype, scale))


def known(readings: dict) -> dict[str, str]:
    """The readings that change a number of the operation; long sums have their own clauses."""
    return {name: reading for name, reading in readings.items() if name != "sums"}


def value(operation: str, readings: dict) -> Callable:
    """A sum of terms that are not negative: it is its own sum of absolute values."""

    def want(x: np.ndarray, **given: Any) -> Any:
        y = getattr(oracle, operation)(wide(x), **given, **known(readings))
        return bound(y, y, x.size + 4, float_dtype((x,)) or "float32")

    return want


def slope(operation: str, readings: dict) -> Callable:
    """A slope is one or two products."""

    def want(x: np.ndarray, cotangents: np.ndarray, **given: Any) -> tuple:
        vjp = getattr(oracle, f"{operation}_vjp")
        (y,) = vjp(wide(x), wide(cotangents), **given, **known(readings))
        (size,) = vjp(np.abs(wide(x)), np.abs(wide(cotangents)), **given, **known(readings))
        return (bound(y, size, 4, float_dtype((x,)) or "float32"),)

    return want


@clause("penalty.value")
def test_value(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    for dtype in ("float32", "float64"):
        yield call(operation, draws(dtype), **STRENGTHS[operation], want=value(operation, readings))
    for shape in ((1,), (2, 3, 4)) if lean else ((1,), (17,), (40, 3), (2, 3, 5)):
        x = np.asarray(normal_draws(71, shape, "float32", 2.0))
        yield call(operation, x, **STRENGTHS[operation], want=value(operation, readings))


@clause("penalty.gradient")
def test_gradient(operation: str, readings: dict) -> Iterator[Case]:
    for dtype in ("float32", "float64"):
        x, g = draws(dtype), ONE.astype(DTYPES[dtype])
        yield gradient(operation, x, cotangents=g, **STRENGTHS[operation], want=slope(operation, readings))


@clause("penalty.at-zero")
def test_at_zero(operation: str, trial: Trial) -> None:
    """Any slope of the absolute value at zero between -1 and 1 will do; of a square it is 0."""
    given = STRENGTHS[operation]
    most = given.get("l1", 0.0) if operation != "l1_penalty" else given["strength"]
    (found,) = trial.vjp((np.zeros(SHAPE, np.float32),), np.asarray(1, np.float32), **given)
    slopes = np.asarray(found, np.float64)
    trial.require(bool(np.all(np.abs(slopes) <= most)), f"slopes at zero are {np.unique(slopes)}, at most {most}")


@clause("penalty.strength-zero")
def test_strength_zero(operation: str) -> Iterator[Case]:
    yield call(operation, draws("float32"), **dict.fromkeys(STRENGTHS[operation], 0.0), want=exact(0.0))


@clause("l2-penalty.factor")
def test_factor(readings: dict) -> Iterator[Case]:
    x = np.resize(np.array([1.0, 2.0, 3.0], np.float32), SHAPE)
    yield call("l2_penalty", x, strength=0.5, want=value("l2_penalty", readings), note="the half of Hanson and Pratt")


@clause("elastic-net-penalty.factor")
def test_net_factor(readings: dict) -> Iterator[Case]:
    x = np.resize(np.array([1.0, 2.0, -3.0], np.float32), SHAPE)
    yield call("elastic_net_penalty", x, l1=0.25, l2=0.5, want=value("elastic_net_penalty", readings))


@clause("penalty.negative-strength")
def test_negative_strength(operation: str) -> Iterator[ErrorCase]:
    given = STRENGTHS[operation]
    for name in given:
        wrong = given | {name: -0.5}
        yield refusal(operation, draws("float32"), **wrong, valid={name: 0.5}, note="rewards large parameters")


@clause("penalty.long-sums")
def test_long_sums(trial: Trial, readings: dict, lean: bool) -> None:
    given = STRENGTHS[trial.operation] | known(readings)

    def sums(dtype: str, n: int) -> Iterator[tuple]:
        x = near_one(n, (n,), dtype) * np.resize(np.array([1 / 8, -1 / 8], DTYPES[dtype]), n)  # the sum is below 65,504
        right = getattr(oracle, trial.operation)(wide(x), **given)
        yield trial.call(x, **STRENGTHS[trial.operation]), right, "a sum over the parameters"

    told_apart(trial, sums, 3, lean)  # the square, the sum, the product


# ---- soft threshold


def threshold_value(x: np.ndarray, *, threshold: float) -> Any:
    dtype = float_dtype((x,)) or "float32"
    y = oracle.soft_threshold(wide(x), threshold=threshold)
    return ulps(y, 1, dtype)


@clause("soft-threshold.value")
def test_soft_threshold() -> Iterator[Case]:
    for dtype in ("float32", "float64"):
        for threshold in (0.5, 1.25):
            yield call("soft_threshold", draws(dtype), threshold=threshold, want=threshold_value)


@clause("soft-threshold.zeros")
def test_zeros() -> Iterator[Case]:
    x = np.resize(np.array([0.0, 0.5, -0.5, 0.25, -0.25, 0.75, -0.75, 2.0], np.float32), SHAPE)
    y = np.resize([0, 0, 0, 0, 0, 0.25, -0.25, 1.5], SHAPE)
    yield call("soft_threshold", x, threshold=0.5, want=exact(y), note="at the edge")
    yield call("soft_threshold", x, threshold=0.0, want=exact(x), note="no threshold")


@clause("soft-threshold.gradient")
def test_soft_threshold_gradient() -> Iterator[Case]:
    def want(x: np.ndarray, cotangents: np.ndarray, *, threshold: float) -> tuple:
        (y,) = oracle.soft_threshold_vjp(wide(x), wide(cotangents), threshold=threshold)
        return (exact(y, float_dtype((x,)) or "float32"),)

    for dtype in ("float32", "float64"):
        yield gradient("soft_threshold", draws(dtype), cotangents=draws(dtype, 72), threshold=0.5, want=want)


@clause("soft-threshold.range")
def test_threshold_range() -> Iterator[ErrorCase]:
    yield refusal("soft_threshold", draws("float32"), threshold=-0.5, valid={"threshold": 0.5}, note="moves away")


# ---- the bound on norms


def norms(readings: dict) -> Callable:
    def want(kernel: np.ndarray, *, limit: float) -> Any:
        y = oracle.max_norm(wide(kernel), limit=limit, **known(readings))
        return bound(y, np.abs(y), kernel.shape[0] + 4, float_dtype((kernel,)) or "float32")

    return want


@clause("max-norm.value")
def test_max_norm(readings: dict) -> Iterator[Case]:
    for dtype in ("float32", "float64"):
        for limit in (0.5, 1.5):
            yield call("max_norm", draws(dtype), limit=limit, want=norms(readings), note="rows in place of columns")


@clause("max-norm.denominator")
def test_denominator(readings: dict) -> Iterator[Case]:
    for dtype in ("float32", "float64"):  # norms of some thousandths: 1e-7 shows
        kernel = draws(dtype, 73, 2.0**-9)
        yield call("max_norm", kernel, limit=2.0**-10, want=norms(readings))
        yield call("max_norm", kernel, limit=1.0, want=norms(readings), note="below the limit")


@clause("max-norm.gradient")
def test_norm_gradient(readings: dict) -> Iterator[Case]:
    def want(kernel: np.ndarray, cotangents: np.ndarray, *, limit: float) -> tuple:
        k, g, n = wide(kernel), wide(cotangents), np.sqrt(np.sum(wide(kernel) ** 2, 0))
        (y,) = oracle.max_norm_vjp(k, g, limit=limit, **known(readings))
        along = np.abs(k) * np.sum(np.abs(k * g), 0) / n**2
        size = np.minimum(1, limit / n) * (np.abs(g) + along)
        return (bound(y, size, 2 * len(k) + 6, float_dtype((kernel,)) or "float32"),)

    for dtype in ("float32", "float64"):
        yield gradient("max_norm", draws(dtype), cotangents=draws(dtype, 74), limit=0.5, want=want)


@clause("max-norm.zero")
def test_zero_column(readings: dict) -> Iterator[Case]:
    kernel = draws("float32")
    kernel[:, 2] = 0
    yield call("max_norm", kernel, limit=0.5, want=norms(readings), note="0/0")


@clause("max-norm.range")
def test_limit_range() -> Iterator[ErrorCase]:
    yield refusal("max_norm", draws("float32"), limit=-1.0, valid={"limit": 1.0}, note="turns the kernel around")


@clause("max-norm.long-sums")
def test_long_columns(trial: Trial, readings: dict, lean: bool) -> None:
    def columns(dtype: str, n: int) -> Iterator[tuple]:
        kernel = near_one(n, (n, 5), dtype) / DTYPES[dtype].type(8)
        right = oracle.max_norm(wide(kernel), limit=0.5, **known(readings))
        yield trial.call(kernel, limit=0.5), right, "columns, each shortened by the root of a sum"

    told_apart(trial, columns, 6, lean)  # the square, the sum, the root, two quotients, the product
