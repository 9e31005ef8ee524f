"""Tests of components/activations: first and second derivatives of the elementwise functions, small ones and edges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from nnspec_conformance.cases import Case, clause, gradient, second_derivative
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, real_numbers, same_length, wide
from nnspec_conformance.oracles.components import activations as oracle
from nnspec_conformance.suite.components.test_activations import (
    ALPHA,
    FIXED,
    as_read,
    change,
    constants_of_float32,
    fixed,
    float64_oracle,
    flushing,
    for_slopes,
    little,
    oracle_error,
)
from nnspec_conformance.tolerance import Want, smallest_normal, ulp, ulps, unit

KINKS = {
    "relu": [0], "leaky_relu": [0], "elu": [0], "selu": [0], "hard_sigmoid": [-3, 3, -2.5, 2.5, -1, 1]
}  # fmt: skip
STRAIGHT = {"identity": 0, "relu": 0, "leaky_relu": 1, "hard_sigmoid": 1}  # pieces of lines: ulp of the slope itself
SMALL = 2.0**-4  # below it 8 ulp at 1 are more than 8 ulp of the slope by far
LIMIT = {
    "elu": 1.0,
    "selu": oracle.SELU_SCALE * oracle.SELU_ALPHA,
    "sigmoid": 1.0,
    "tanh": 1.0,
}  # of |f|
LEAST = 2.0**14  # times the smallest normal number: then a density or a gate that x^2 multiplies is no less, either
GATE = {"softplus": "sigmoid", "silu": "sigmoid"}  # what is rounded to its limit, where that is not the function
AT_INFINITY = {
    "identity": (1, 1), "relu": (0, 1), "leaky_relu": (FIXED["leaky_relu"]["negative_slope"], 1), "elu": (0, 1),
    "selu": (0, oracle.SELU_SCALE), "gelu": (0, 1), "sigmoid": (0, 0), "tanh": (0, 0), "softplus": (0, 1),
    "silu": (0, 1), "hard_sigmoid": (0, 0),
}  # fmt: skip


def slope_body(operation: str, x: np.ndarray, value: Callable) -> np.ndarray:
    """Magnitude on which accuracy is measured: x multiplies the rounding of a gate, or is rounded in an exponent.

    Where the gate is so near to 0 or 1 that it has been rounded to it, nothing is left that x could multiply.
    """
    if operation not in ("silu", "gelu", "softplus"):
        return np.ones(x.shape)
    size = np.abs(wide(x))
    with np.errstate(invalid="ignore"):  # the gate at -|x| is also what it lacks of 1 at |x|
        gate = oracle.sigmoid(-size) if operation == "softplus" else value(-size) / -size
    return np.where(gate < unit(str(x.dtype)) / 16, 1.0, np.clip(size, 1.0, 8.0))


def without_kinks(operation: str, x: np.ndarray) -> np.ndarray:
    """Normal numbers that are no kinks; a machine that flushes sees a subnormal input as zero, a kink of most."""
    x = x[np.abs(x.astype(np.float64)) >= smallest_normal(str(x.dtype))]
    return x[~np.isin(x.astype(np.float64), KINKS.get(operation, []))]


@clause("activation.gradient")
def test_gradient(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    value, derivative = float64_oracle(operation, readings), float64_oracle(operation, readings, "_derivative")

    def slopes(x: np.ndarray, cotangents: np.ndarray, **attributes: float) -> tuple[Want]:
        f, dtype, g = partial(derivative, **attributes), str(x.dtype), np.abs(wide(cotangents))
        if operation in STRAIGHT:
            count, scale = STRAIGHT[operation], None
        else:
            steepest = max(1.0, attributes.get("alpha", 1.0))
            body = slope_body(operation, x, partial(value, **attributes))
            count, scale = 8 + oracle_error(dtype), steepest * g * body
        return (ulps(wide(cotangents) * f(x), count, dtype, scale=scale, moved=g * change(f, x)),)

    numbers = [x[np.abs(wide(x)) <= 1e4] for x in map(real_numbers, for_slopes(little(readings, lean)))]
    inputs = [same_length(without_kinks(operation, x)[::-1]) for x in numbers]  # begins again where relu has a slope
    if not little(readings, lean):
        inputs += [np.asarray(np.abs(normal_draws(8, ()))), normal_draws(9, (2, 3, 4), scale=2.0)]
    for x in inputs:
        cotangents = np.resize(np.array([1.0, 2.0, -0.5], x.dtype), x.shape)  # powers of two: exact products
        yield gradient(operation, x, **fixed(operation), cotangents=cotangents, want=slopes)


@clause("activation.gradient-finite")
def test_gradient_finite(operation: str, trial, lean: bool) -> None:
    for dtype in [d for d in for_slopes(little(trial.readings, lean)) if d in trial.dtypes]:
        with trial.part():
            x = real_numbers(dtype)
            slopes = trial.gradient(x, np.ones_like(x), **fixed(operation)).astype(np.float64)
            bad = x[~np.isfinite(slopes)]
            trial.require(
                bad.size == 0,
                f"gradient of {operation} is not finite at {bad.size} of {x.size} {dtype} inputs, "
                f"for instance at {float(bad[0]) if bad.size else 0:.6g}",
            )


@clause("activation.second-derivative")
def test_second_derivative(operation: str, readings: dict) -> Iterator[Case]:
    f = float64_oracle(operation, readings, "_second_derivative")
    for dtype in ("float32", "float64"):
        x = real_numbers(dtype, largest=50.0)
        x = same_length(without_kinks(operation, x), x.size) if operation in KINKS else x
        curvature, count = f(x), 0 if operation in STRAIGHT else 16 + oracle_error(dtype)
        want = ulps(curvature, count, dtype, scale=np.maximum(np.abs(curvature), 1.0), moved=change(f, x))
        yield second_derivative(operation, x, **fixed(operation), want=want)


# ---- small slopes


def asked_where_small(operation: str, slope: Callable, want: Callable, less: bool) -> Iterator[Case]:
    """The gradient where the slope is small, while neither it nor the gradient is below the normal numbers."""
    for dtype in for_slopes(less):
        x = without_kinks(operation, real_numbers(dtype, largest=1e4))
        size = np.abs(slope(x))
        x = same_length(x[(size < SMALL) & (size >= 4 * smallest_normal(dtype))], real_numbers(dtype).size)
        cotangents = np.resize(np.array([1.0, 2.0, -0.5], x.dtype), x.shape)
        yield gradient(operation, x, **fixed(operation), cotangents=cotangents, want=want, note="cancels")


@clause("activation.small-slopes")
def test_small_slopes(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    value, slope = float64_oracle(operation, readings), float64_oracle(operation, readings, "_derivative")
    limit = LIMIT[operation]

    def slopes(x: np.ndarray, cotangents: np.ndarray, **attributes: float) -> tuple[Want]:
        dtype, g, exact_slope = str(x.dtype), wide(cotangents), slope(x)
        units, moved = 8 + oracle_error(dtype), np.abs(g) * change(slope, x)
        if readings["slopes"] == "kept":
            return (ulps(g * exact_slope, units, dtype, moved=moved),)
        lost = (np.abs(value(x)) > limit / 2) & (np.abs(exact_slope) < limit * unit(dtype) / 16)
        allowed = np.where(lost, 0.0, np.abs(g) * units * ulp(limit, dtype) + moved)
        return (ulps(np.where(lost, 0.0, g * exact_slope), 0, dtype, moved=allowed),)

    yield from asked_where_small(operation, slope, slopes, little(readings, lean))


@clause("activation.gated-slopes")
def test_gated_slopes(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    value, slope = float64_oracle(operation, readings), float64_oracle(operation, readings, "_derivative")

    def slopes(x: np.ndarray, cotangents: np.ndarray, **attributes: float) -> tuple[Want]:
        dtype, g, u = str(x.dtype), wide(cotangents), wide(x)
        gate = 0.0 if operation == "softplus" else np.abs(g * value(x) / u)
        moved, lost = np.abs(g) * change(slope, x), np.abs(g) * flushing(operation, x)
        return (ulps(g * slope(x), 8 + oracle_error(dtype), dtype, scale=gate, moved=moved, magnitude=lost),)

    yield from asked_where_small(operation, slope, slopes, little(readings, lean))


# ---- small second derivatives


def asked_where_straight(operation: str, curvature: Callable, want: Callable) -> Iterator[Case]:
    """The second derivative beyond 4, where it is small, keeps its sign and is no less than ``LEAST`` allows."""
    for dtype in ("float32", "float64"):
        x = without_kinks(operation, real_numbers(dtype, largest=1e4))
        size = np.abs(curvature(x))
        asked = (np.abs(x) >= 4) & (size < SMALL) & (size >= LEAST * smallest_normal(dtype))
        x = same_length(x[asked], real_numbers(dtype).size)
        yield second_derivative(operation, x, **fixed(operation), want=want(x), note="cancels")


@clause("gelu.small-second-derivatives")
def test_gelu_small_second_derivatives(readings: dict) -> Iterator[Case]:
    curvature = float64_oracle("gelu", readings, "_second_derivative")

    def exact(x: np.ndarray) -> Want:
        dtype = str(x.dtype)
        return ulps(curvature(x), 16 + oracle_error(dtype), dtype, moved=change(curvature, x))

    yield from asked_where_straight("gelu", curvature, exact)


@clause("activation.small-second-derivatives")
def test_small_second_derivatives(operation: str, readings: dict) -> Iterator[Case]:
    curvature, gate = float64_oracle(operation, readings, "_second_derivative"), GATE.get(operation, operation)
    value, slope, limit = float64_oracle(gate, {}), float64_oracle(gate, {}, "_derivative"), LIMIT[gate]

    def curvatures(x: np.ndarray) -> Want:
        dtype = str(x.dtype)
        units, right, moved = 16 + oracle_error(dtype), curvature(x), change(curvature, x)
        if readings["curvature"] == "kept":
            return ulps(right, units, dtype, moved=moved)
        near = np.abs(value(x)) > limit / 2
        lost = near & (np.abs(slope(x)) < limit * unit(dtype) / 16)
        body = limit * (1.0 if gate == operation else np.clip(np.abs(wide(x)), 1.0, 8.0))
        allowed = units * np.where(near, ulp(body, dtype), ulp(right, dtype)) + moved
        return ulps(np.where(lost, 0.0, right), 0, dtype, moved=np.where(lost, 0.0, allowed))

    yield from asked_where_straight(operation, curvature, curvatures)


# ---- edges


def subnormal(dtype: str) -> list[float]:
    """Numbers below the smallest normal one, of both signs: the least, and one of the largest."""
    normal = smallest_normal(dtype)
    return [2 * unit(dtype) * normal, -2 * unit(dtype) * normal, normal / 2, -normal / 2]


@clause("activation.gradient-at-zero")
def test_gradient_at_zero(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    slope = float64_oracle(operation, readings, "_derivative")(np.zeros(1))
    for dtype in for_slopes(little(readings, lean)):
        x = same_length(np.array([0.0, -0.0, *subnormal(dtype)], DTYPES[dtype]))
        g = np.resize(np.array([1.0, 2.0, -0.5], x.dtype), x.shape)
        want = ulps(wide(g) * slope, 8 + oracle_error(dtype), dtype, scale=np.abs(wide(g)))
        yield gradient(operation, x, **fixed(operation), cotangents=g, want=(want,), note="no slope at zero")


@clause("activation.gradient-at-subnormals")
def test_gradient_at_subnormals(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    derivative = float64_oracle(operation, readings, "_derivative")
    given = {"alpha": ALPHA} if operation == "elu" else fixed(operation)  # with 1 both sides are alike
    left, right = (float(derivative(np.array(one), **given)) for one in (-1e-300, 1e-300))
    for dtype in for_slopes(little(readings, lean)):
        x = same_length(np.array(subnormal(dtype), DTYPES[dtype]))
        side = np.where(x > 0, right, left)
        want = ulps(side, 2, dtype, moved=0.005, magnitude=abs(right - left) / smallest_normal(dtype))
        yield gradient(operation, x, **given, cotangents=np.ones_like(x), want=(want,), note="the other side")


@clause("activation.gradient-nan")
def test_gradient_nan(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    f = float64_oracle(operation, readings, "_derivative")
    for dtype in for_slopes(little(readings, lean)):
        for numbers in ([np.nan] * 9 + [0.5, 2.0], [0.5, np.nan, -0.5, -2.0]):  # in a vector's body and remainder
            x = same_length(np.array(numbers, DTYPES[dtype]))
            want = ulps(f(x), 0, dtype, moved=0.25)  # the slopes have their own clause; here only NaN counts
            yield gradient(operation, x, **fixed(operation), cotangents=np.ones_like(x), want=(want,))


@clause("elu.gradient-nan")
def test_elu_gradient_nan(trial, lean: bool) -> None:
    for dtype in [d for d in for_slopes(lean) if d in trial.dtypes]:
        with trial.part():
            x = same_length(np.array([np.nan] * 9 + [0.5, 2.0], DTYPES[dtype]))
            x = x[: x.size - 2 * (x.size % 16 == 0)]  # no multiple of a vector
            slopes = wide(trial.gradient(x, np.ones_like(x), **fixed(trial.operation)))[np.isnan(wide(x))]
            numbers = np.unique(slopes[~np.isnan(slopes)])
            found = (
                f"gradient of {trial.operation} in {dtype} at {slopes.size} NaN: NaN at {np.isnan(slopes).sum()}, "
                f"else {', '.join(f'{number:.6g}' for number in numbers[:3])}"
            )
            if trial.readings["gradient_at_nan"] == "nan":
                trial.require(numbers.size == 0, f"{found}; expected NaN")
            else:
                trial.require(numbers.size == 1 and not np.isnan(slopes).any(), f"{found}; expected one number")


@clause("activation.gradient-limits")
def test_gradient_limits(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    below, above = (as_read(slope, readings) for slope in AT_INFINITY[operation])
    for dtype in for_slopes(little(readings, lean)):
        x = same_length(np.array([-np.inf, np.inf], DTYPES[dtype]))
        limit = np.where(x < 0, below, above)
        want = ulps(limit, 2, dtype, moved=constants_of_float32(operation, limit))
        yield gradient(operation, x, **fixed(operation), cotangents=np.ones_like(x), want=(want,), note="inf times 0")
