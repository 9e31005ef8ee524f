"""Tests of components/activations: the clauses of softmax and log-softmax."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from ml_dtypes import finfo

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.components import activations as oracle
from nnspec_conformance.tolerance import Want, bound, exact, smallest_normal, ulp, ulps, unit

HALF = ("bfloat16", "float16")
BOTH = ("float32", "float64", "bfloat16", "float16")


def along(operation: str) -> Callable[..., Want]:
    """The rounding bound of the shifted definition.

    Each term carries the error of one exponential (4 ulp), of its argument (a unit of |x - m|), and of n additions.
    """

    def value(x: np.ndarray, *, axis: int | str = -1) -> Want:
        u, dtype, axis = wide(x), str(x.dtype), oracle.axis_of(axis, x.ndim)
        with np.errstate(invalid="ignore"):
            y = getattr(oracle, operation)(u, axis=axis)
            distance = np.where(np.isfinite(u), u.max(axis, keepdims=True, initial=-np.inf) - u, 0.0)
        n = u.shape[axis]
        if operation == "softmax":
            return bound(y, y * (1 + distance / (n + 10)), n + 10, dtype)
        return bound(y, np.where(np.isfinite(y), 1 + distance / (n + 10), 0.0), n + 10, dtype, factor=1.0)

    return value


def rows(dtype: str) -> np.ndarray:
    """Slices of different spread, with ties, a dominant entry, far tails and probabilities below the normal numbers.

    No two axes are of one length.
    """
    x = normal_draws(3, (6, 7), "float64")
    edge = np.floor(np.log(smallest_normal(dtype)))  # of float32 -88: e^-89 is no normal number
    x[1] *= 5
    x[2] = [1, 1, 1, 1, 1, 1, 1]
    x[3] = [20, 0, -1, -2, -20, -40, -60]
    x[4] = [9, 9, 0, 1, 2, 3, 9]
    x[5] = [0, edge, 1, edge + 3, -3, 0.5, edge]
    return x.astype(DTYPES[dtype])


@clause("softmax.value")
def test_value(operation: str, lean: bool) -> Iterator[Case]:
    for dtype in BOTH:
        x = rows(dtype)
        yield call(operation, x, axis=-1, want=along(operation))
    # long rows take other kernels than short ones, and a single vector other code than a batch
    long = normal_draws(4, (2, 1500), scale=3.0)
    one = [] if lean else [np.ones((3, 1), np.float32)]  # a row of one entry is among the arrays of duty.sizes, too
    for x in (long, rows("float32")[0], *one):
        yield call(operation, x, axis=-1, want=along(operation))


@clause("softmax.axis")
def test_axis(operation: str, lean: bool) -> Iterator[Case]:
    x = normal_draws(5, (2, 3, 4, 5), scale=2.0)
    for axis in (0, 1, -2, -1) if lean else range(-4, 4):  # each one, from the front or from the back
        yield call(operation, x, axis=axis, want=along(operation), note="another axis")


@clause("softmax.default-axis")
def test_default_axis(operation: str, default: int | str, lean: bool) -> Iterator[Case]:
    for shape in ((5,), (2, 3), (2, 3, 4), (2, 3, 4, 5))[2 if lean else 0 :]:  # the last two tell all defaults apart
        if isinstance(default, str) or -len(shape) <= default < len(shape):  # a vector has no second axis
            x = normal_draws(6, shape, scale=2.0)
            yield call(operation, x, want=along(operation)(x, axis=default), note=f"another axis of {len(shape)}")


@clause("softmax.axis-error")
def test_axis_error(operation: str) -> Iterator[ErrorCase]:
    x = normal_draws(7, (2, 3))
    for axis in (2, -3):
        yield refusal(operation, x, axis=axis, valid={"axis": 1 if axis > 0 else -2}, note=f"axis {axis} of a matrix")


@clause("softmax.sum")
def test_sum(trial) -> None:
    for dtype in [d for d in BOTH if d in trial.dtypes]:
        with trial.part():
            x = rows(dtype)
            y = trial.array(x, axis=-1).astype(np.float64)
            trial.require(bool(((y >= 0) & (y <= 1)).all()), f"softmax leaves [0, 1]: {y.min():.6g} to {y.max():.6g}")
            n, total = x.shape[-1], np.ones(x.shape[:-1])
            trial.expect(y.sum(-1), bound(total, total, n + 10, dtype), f"sum of softmax over {n} entries in {dtype}")


@clause("softmax.large-offset")
def test_large_offset(operation: str) -> Iterator[Case]:
    x = np.resize([0.0, 1.0, -2.0, 3.5, 0.5, 2.0, 2.0, -1.0, 0.0, -7.0, 0.25], (6, 7))
    for dtype in BOTH:
        offsets = (1e4, -1e4, 3e38, -3e38) if dtype == "float32" else (1e4, -1e4)
        for offset in offsets:
            shifted = (x + offset).astype(DTYPES[dtype])  # the oracle sees the rounded sum, too
            yield call(operation, shifted, axis=-1, want=along(operation), note="no shift")


@clause("softmax.minus-infinity")
def test_minus_infinity(operation: str) -> Iterator[Case]:
    for dtype in BOTH:
        x = rows(dtype)
        x[0, [1, 4]] = x[1, [0, 6]] = x[3, 1:] = -np.inf
        yield call(operation, x, axis=-1, want=along(operation), note="inf minus inf")


@clause("softmax.nan")
def test_nan(operation: str) -> Iterator[Case]:
    for dtype in BOTH:
        x = normal_draws(3, (6, 7), dtype)  # near one another: far entries have clauses of their own
        x[1, 3] = np.nan
        rest = np.delete(x, 1, axis=0)
        want = along(operation)(rest)
        value = np.insert(want.value, 1, np.nan, axis=0)
        allowed = np.insert(want.allowed, 1, 0.0, axis=0)
        yield call(
            operation,
            x,
            axis=-1,
            want=Want(value, allowed, np.insert(want.flushed, 1, 0.0, axis=0), dtype, want.tolerance),
            note="maximum that skips NaN",
        )


def pulled_back(operation: str) -> Callable[..., tuple[Want]]:
    """The rounding bound of the gradient: the same sums with every term in absolute value."""

    def value(x: np.ndarray, cotangents: np.ndarray, *, axis: int) -> tuple[Want]:
        u, g, dtype = wide(x), wide(cotangents), str(x.dtype)
        y = oracle.softmax(u, axis=axis)
        exact_value = getattr(oracle, f"{operation}_vjp")(u, g, axis=axis)[0]
        distance = np.where(np.isfinite(u), u.max(axis, keepdims=True) - u, 0.0)
        n = u.shape[axis]
        spread = 1 + distance / (n + 10)  # an entry's own error grows with its distance from the maximum
        if operation == "softmax":
            absolute = y * (np.abs(g) * spread + (np.abs(g) * y * spread).sum(axis, keepdims=True) + spread)
        else:
            absolute = np.abs(g) + y * spread * np.abs(g).sum(axis, keepdims=True)
        weight = np.abs(g) + (np.abs(g) * y).sum(axis, keepdims=True)
        return (bound(exact_value, absolute, n + 10, dtype, underflow=weight),)

    return value


@clause("softmax.gradient")
def test_gradient(operation: str, lean: bool) -> Iterator[Case]:
    batch, axes = normal_draws(9, (2, 3, 4)), (0, 1) if lean else (0, 1, -2)
    for axis, x in (*((-1, rows(dtype)) for dtype in BOTH), *((axis, batch) for axis in axes)):
        cotangents = normal_draws(10, x.shape, str(x.dtype))
        yield gradient(operation, x, axis=axis, cotangents=cotangents, want=pulled_back(operation))


@clause("softmax.small-slopes")
def test_small_slopes(operation: str, readings: dict) -> Iterator[Case]:
    """Each entry of a slice in turn is the only one with a cotangent; one entry leads by more and more."""

    def slopes(x: np.ndarray, cotangents: np.ndarray, *, axis: int) -> tuple[Want]:
        u, g, dtype, n = wide(x), wide(cotangents), str(x.dtype), x.shape[axis]
        y = oracle.softmax(u, axis=axis)
        value = getattr(oracle, f"{operation}_vjp")(u, g, axis=axis)[0]
        farthest = (u.max(axis, keepdims=True) - u).max(axis, keepdims=True)
        if dtype in HALF:  # shares, products: four roundings
            return (ulps(value, 4, dtype, moved=2 * np.abs(value) * (n + 11) * unit("float32")),)
        if readings["slopes"] == "kept":  # of two factors at most, each as far off as a share
            absolute = 2 * np.abs(value) * (1 + farthest / (n + 10))
            return (bound(value, absolute, n + 10, dtype, underflow=np.abs(g).sum(axis, keepdims=True)),)
        (want,) = pulled_back(operation)(x, cotangents, axis=axis)
        rest = y.sum(axis, keepdims=True) - y
        rest = np.where(y > 1 / 2, np.where(y > 1 / 2, 0, y).sum(axis, keepdims=True), rest)
        lost = (g != 0) & (rest < unit(dtype) / 16)  # the share has been rounded to 1
        return (replace(want, value=np.where(lost, 0, value), allowed=np.where(lost, 0, want.allowed)),)

    half = {"bfloat16": 20.0, "float16": 9.0} if readings["slopes"] == "kept" else {}
    for dtype, last in {"float32": 80.0, "float64": 700.0, **half}.items():
        leads = np.concatenate([[0.0, 0.5, 1.0, 5.0, 10.0, 37.43], np.linspace(12.0, last, 24)])
        if dtype in HALF:  # numbers whose differences are exact
            leads = np.concatenate([[0.0, 0.5, 1.0, 5.0, 7.5, 3.0], np.round(np.linspace(1.0, last, 24) * 2) / 2])
        x = np.repeat([[lead, 0.0, 0.5, -1.0] for lead in leads], 4, axis=0).astype(DTYPES[dtype])
        cotangents = np.tile(np.diag([1.0, 2.0, -0.5, 4.0]), (leads.size, 1)).astype(x.dtype)
        yield gradient(operation, x, axis=-1, cotangents=cotangents, want=slopes, note="1 less a share of nearly 1")


@clause("softmax.long-rows")
def test_long_rows(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    def value(x: np.ndarray, *, axis: int) -> Want:
        u, dtype, n = wide(x), str(x.dtype), x.shape[axis]
        total = np.exp(u - u.max(axis, keepdims=True)).sum(axis, keepdims=True)
        y = getattr(oracle, operation)(u, axis=axis)
        relative, absolute = n * unit("float32"), 0.0
        if readings["sums"] == "rounded":
            relative += (3.25 if operation == "softmax" else 2.25) * unit(dtype)
            absolute = 0.0 if operation == "softmax" else ulp(np.log(total), dtype) / 2
            if (total > float(finfo(x.dtype).max)).all():
                y = np.full_like(y, 0.0 if operation == "softmax" else -np.inf)
        size = np.abs(y) if operation == "softmax" else 1.0
        return ulps(y, 1, dtype, moved=relative * size + absolute)

    for dtype, n in itertools.product(HALF, (80_000,) if lean else (300, 1100, 80_000)):
        x = (1 - np.random.default_rng(n).uniform(0, 1 / 8, (2, n))).astype(DTYPES[dtype])
        yield call(operation, x, axis=-1, want=value, note="a sum that stops growing, or overflows")


@clause("softmax.gradient-minus-infinity")
def test_gradient_minus_infinity(operation: str) -> Iterator[Case]:
    for dtype in BOTH:
        x = rows(dtype)
        x[0, [1, 4]] = x[1, [0, 6]] = -np.inf
        cotangents = normal_draws(11, x.shape, dtype)
        cotangents[np.isinf(x)] = 0
        (want,) = pulled_back(operation)(x, cotangents, axis=-1)
        allowed = np.where(np.isinf(x), 0.0, want.allowed)
        yield gradient(
            operation,
            x,
            axis=-1,
            cotangents=cotangents,
            want=(Want(want.value, allowed, np.where(np.isinf(x), 0.0, want.flushed), dtype, want.tolerance),),
            note="0 times inf in the chain rule",
        )


@clause("log-softmax.large")
def test_log_softmax_large() -> Iterator[Case]:
    for dtype in ("float32", "float64"):
        numbers = np.array([1e4, 0, -3e4, 2e4, -1e3, 3e3, 0, 5e3], DTYPES[dtype])
        x = np.resize(numbers, (6, 7))  # no two alike at the top of a row
        want = exact(x - x.max(-1, keepdims=True), dtype)
        yield call("log_softmax", x, axis=-1, want=want, note="log of an underflow")
