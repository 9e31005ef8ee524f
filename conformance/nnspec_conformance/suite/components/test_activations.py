"""Tests of components/activations: values of the elementwise functions, and their slopes at single points."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, call, clause, gradient
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import neighbours, real_numbers, same_length, wide
from nnspec_conformance.oracles.components import activations as oracle
from nnspec_conformance.tolerance import Want, exact, smallest_normal, ulp, ulps, unit

FUNCTION_FORMS = (
    "form",
    "numbers",
)  # readings on which the value depends; others are about the gradient
LIMITS = {
    "identity": (-np.inf, np.inf), "relu": (0, np.inf), "leaky_relu": (-np.inf, np.inf), "elu": (-1, np.inf),
    "selu": (-oracle.SELU_SCALE * oracle.SELU_ALPHA, np.inf), "gelu": (0, np.inf), "sigmoid": (0, 1), "tanh": (-1, 1),
    "softplus": (0, np.inf), "silu": (0, np.inf), "hard_sigmoid": (0, 1),
}  # fmt: skip
ALPHA = 1.75  # of elu, where its two sides are to differ at zero
FIXED = {"leaky_relu": {"negative_slope": 0.2}, "elu": {"alpha": 1.0}}


def float64_oracle(operation: str, readings: dict, suffix: str = "") -> Callable[..., np.ndarray]:
    """The float64 oracle of an operation with the given readings; infinite overflows are its right answers."""
    given = fixed(operation) | {k: v for k, v in readings.items() if k in FUNCTION_FORMS}
    oracle_function = getattr(oracle, operation + suffix)

    def evaluate(x: np.ndarray, **attributes: float) -> np.ndarray:
        with np.errstate(all="ignore"):
            return oracle_function(np.asarray(x, np.float64), **given | attributes)

    return evaluate


def change(f: Callable, x: np.ndarray, steps: int = 2) -> np.ndarray:
    """How much f changes when x moves by ``steps`` of its own units."""
    below, above = neighbours(x, steps)
    here = f(x.astype(np.float64))
    with np.errstate(invalid="ignore"):
        change = np.maximum(np.abs(f(below) - here), np.abs(f(above) - here))
    return np.where(np.isfinite(change), change, 0.0)


def oracle_error(dtype: str) -> int:
    """The error of the float64 oracle itself, in units of float64; nothing in the units of narrower dtypes."""
    return 4 if dtype == "float64" else 0


def flushing(operation: str, x: np.ndarray) -> np.ndarray | float:
    """The factor of a flushed number in the result: |x| where x multiplies a gate, the scale where there is one."""
    if operation in ("silu", "gelu"):
        return np.abs(x.astype(np.float64))
    return oracle.SELU_SCALE * oracle.SELU_ALPHA if operation == "selu" else 1.0


def rounding_scale(operation: str, x: np.ndarray) -> np.ndarray:
    """The magnitude on which accuracy is measured where the result is smaller: a gate's rounding is multiplied by x."""
    return np.minimum(np.abs(x.astype(np.float64)), 4.0 if operation in ("silu", "gelu") else 1.0)


def accurate(operation: str, readings: dict) -> Callable[..., Want]:
    """The value of any array, as accurate as activation.accuracy asks."""
    f = float64_oracle(operation, readings)

    def value(x: np.ndarray, **attributes: float) -> Want:
        count, dtype = 4 + oracle_error(str(x.dtype)), str(x.dtype)
        return ulps(
            f(x), count, dtype, scale=rounding_scale(operation, x), moved=change(f, x), magnitude=flushing(operation, x)
        )

    return value


def constants_of_float32(operation: str, value: np.ndarray | float) -> np.ndarray | float:
    """What two constants that are rounded to float32 move a result of SELU: how exact they are has its own clause."""
    return 4 * unit("float32") * np.abs(value) if operation == "selu" else 0.0


def as_read(number: float, readings: dict) -> float:
    """A number as an implementation has it that is handed it by keyword."""
    return float(np.float32(number)) if readings.get("numbers") == "float32" else number


def fixed(operation: str) -> dict:
    """Attributes given in every call, so that no default is met by accident."""
    return FIXED.get(operation, {})


# ---- families


@clause("activation.nan")
def test_nan(operation: str, readings: dict) -> Iterator[Case]:
    f = float64_oracle(operation, readings)
    for dtype in DTYPES:
        for numbers in ([0.5, np.nan, -0.5, -np.nan, 2.0, np.nan, -2.0], [np.nan] * 9 + [0.5, 2.0]):
            x = same_length(np.array(numbers, DTYPES[dtype]))  # apart, and in all of a vector
            want = ulps(f(x), 0, dtype, moved=0.25)  # the values have their own clause; here only NaN counts
            yield call(operation, x, **fixed(operation), want=want, note="swallows NaN")


@clause("activation.limits")
def test_limits(operation: str) -> Iterator[Case]:
    for dtype in DTYPES:
        x = same_length(np.array([-np.inf, np.inf], DTYPES[dtype]))
        limit = np.where(x < 0, *LIMITS[operation])
        want = ulps(limit, 2, dtype, moved=constants_of_float32(operation, limit))
        yield call(operation, x, **fixed(operation), want=want, note="inf times 0")


@clause("activation.accuracy")
def test_accuracy(operation: str, readings: dict) -> Iterator[Case]:
    for dtype in DTYPES:
        yield call(operation, real_numbers(dtype), **fixed(operation), want=accurate(operation, readings))


@clause("activation.tail")
def test_tail(operation: str, readings: dict) -> Iterator[Case]:
    f = float64_oracle(operation, readings)
    for dtype in DTYPES:
        x = real_numbers(dtype)
        y = np.abs(f(x))
        x = same_length(x[(y < 2.0**-4) & (y >= smallest_normal(dtype))], x.size)
        want = ulps(f(x), 4 + oracle_error(dtype), dtype, moved=change(f, x), magnitude=flushing(operation, x))
        yield call(operation, x, **fixed(operation), want=want, note="cancellation")


# ---- identity and the rectified family


def exact_cases(operation: str, expected: Callable, **attributes: Any) -> Iterator[Case]:
    """Cases over the whole range in which every result is a number of the dtype; subnormal ones may be flushed."""
    for dtype in DTYPES:
        yield call(operation, real_numbers(dtype), **attributes, want=lambda x, **_: ulps(expected(x), 0, str(x.dtype)))


def little(readings: dict, lean: bool) -> bool:
    """Whether a lean plan asks less, of a form that is not the definition: its gradient in one half precision."""
    return lean and readings.get("form", "exact") not in ("exact", "sixth")


def for_slopes(less: bool) -> list[str]:
    """The dtypes in which gradients are asked; of half precision it is float16, whose numbers overflow, that stays."""
    return [dtype for dtype in DTYPES if not (less and dtype == "bfloat16")]


def gradient_at(dtypes: Iterable[str], operation: str, points: list, slopes: list, **attributes: Any) -> Iterator[Case]:
    """The gradient at single points, among others so that no constant answer passes.

    Which side a kink belongs to is the question, and the sides are far apart; how exact a slope is has its own clause.
    """
    for dtype in dtypes:
        x = same_length(np.array(points, DTYPES[dtype]))
        want = ulps(np.resize(np.array(slopes, np.float64), x.shape), 1, dtype, moved=0.005)
        yield gradient(operation, x, **attributes, cotangents=np.ones_like(x), want=(want,))


@clause("identity.value")
def test_identity_value() -> Iterator[Case]:
    yield from exact_cases("identity", lambda x: x)


@clause("relu.value")
def test_relu_value() -> Iterator[Case]:
    yield from exact_cases("relu", lambda x: np.maximum(x, np.zeros_like(x)))


@clause("relu.gradient-at-zero")
def test_relu_gradient_at_zero() -> Iterator[Case]:
    yield from gradient_at(DTYPES, "relu", [-1.0, -0.0, 0.0, 2.0], [0, 0, 0, 1])


@clause("leaky-relu.value")
def test_leaky_relu_value(readings: dict) -> Iterator[Case]:
    def value(x: np.ndarray, *, negative_slope: float) -> Want:
        u, dtype, negative_slope = wide(x), str(x.dtype), as_read(negative_slope, readings)
        slope = abs(negative_slope)
        product = ulps(negative_slope * u, 1.5, dtype, moved=slope * ulp(u, dtype))  # and the slope is rounded
        allowed = np.where(u > 0, 0.0, product.allowed)
        return ulps(np.where(u > 0, u, negative_slope * u), 0.0, dtype, moved=allowed, magnitude=slope)

    for dtype in DTYPES:
        for slope in (0.0, 0.25, 0.3, 2.0):
            yield call("leaky_relu", real_numbers(dtype, largest=1e4), negative_slope=slope, want=value)


@clause("leaky-relu.negative-slope")
def test_leaky_relu_negative_slope(default: float) -> Iterator[Case]:
    x = same_length(np.array([-100.0, -3.0, 2.0], np.float32))
    want = ulps(np.where(x > 0, x, default * x.astype(np.float64)), 2, "float32")
    yield call("leaky_relu", x, want=want)


@clause("leaky-relu.gradient-at-zero")
def test_leaky_relu_gradient_at_zero(readings: dict, lean: bool) -> Iterator[Case]:
    usual = FIXED["leaky_relu"]["negative_slope"]
    for slope, dtypes in ((usual, DTYPES), (2.0, ["float32"] if lean else DTYPES)):
        at_zero = slope if readings["gradient_at_zero"] == "slope" else 1.0
        slopes = [slope, at_zero, at_zero, 1.0]
        yield from gradient_at(dtypes, "leaky_relu", [-1.0, 0.0, -0.0, 2.0], slopes, negative_slope=slope)


@clause("elu.value")
def test_elu_value(readings: dict) -> Iterator[Case]:
    def value(x: np.ndarray, *, alpha: float) -> Want:
        alpha = as_read(alpha, readings)
        f, dtype = (lambda v: oracle.elu(wide(v), alpha=alpha)), str(x.dtype)
        return ulps(f(x), 6 + oracle_error(dtype), dtype, moved=change(f, x), magnitude=alpha)  # 4, product, alpha

    for dtype in DTYPES:
        for alpha in (0.5, 1.75):
            yield call("elu", real_numbers(dtype, largest=1e4), alpha=alpha, want=value)


@clause("elu.alpha")
def test_elu_alpha(default: float) -> Iterator[Case]:
    x = same_length(np.array([-100.0, -1.0, 2.0], np.float32))
    want = ulps(oracle.elu(x.astype(np.float64), alpha=default), 8, "float32")
    yield call("elu", x, want=want)


@clause("elu.gradient-at-zero")
def test_elu_gradient_at_zero(readings: dict) -> Iterator[Case]:
    at_zero = ALPHA if readings["gradient_at_zero"] == "alpha" else 1.0
    slopes = [ALPHA * np.exp(-5.0), at_zero, at_zero, 1.0]
    yield from gradient_at(DTYPES, "elu", [-5.0, 0.0, -0.0, 2.0], slopes, alpha=ALPHA)


@clause("selu.constants")
def test_selu_constants() -> Iterator[Case]:
    for dtype in DTYPES:
        x = same_length(np.array([1.0, 2.0, -200.0], DTYPES[dtype]))  # at -200 the result is -lambda alpha
        scale, product = oracle.SELU_SCALE, oracle.SELU_SCALE * oracle.SELU_ALPHA
        want = ulps(np.where(x > 0, scale * x.astype(np.float64), -product), 2, dtype)
        yield call("selu", x, want=want, note="constants rounded to few digits")


@clause("selu.fixed-point")
def test_selu_fixed_point(trial) -> None:
    nodes, weights = np.polynomial.legendre.leggauss(200)
    x = np.concatenate([6 * nodes - 6, 6 * nodes + 6])  # [-12, 0] and [0, 12]: the kink lies between the panels
    density = np.tile(6 * weights, 2) * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    for dtype in [d for d in trial.dtypes if d in ("float32", "float64")]:
        with trial.part():
            y = trial.array(x.astype(DTYPES[dtype])).astype(np.float64)
            for power, moment in ((1, 0.0), (2, 1.0)):
                size = float(density @ np.abs(y) ** power)
                count = 4 * power + oracle_error(dtype)
                moved = 1e-14 + power * constants_of_float32("selu", size)  # 400 float64 terms
                want = ulps(moment, count, dtype, scale=size, moved=moved)
                trial.expect(np.float64(density @ y**power).reshape(()), want, f"moment {power} of selu(z)")


@clause("selu.gradient-at-zero")
def test_selu_gradient_at_zero(readings: dict) -> Iterator[Case]:
    left, right = oracle.SELU_SCALE * oracle.SELU_ALPHA, oracle.SELU_SCALE
    at_zero = left if readings["gradient_at_zero"] == "left" else right
    yield from gradient_at(DTYPES, "selu", [0.0, -0.0, 2.0], [at_zero, at_zero, right])


@clause("activation.numbers")
def test_numbers(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    f, slope = (float64_oracle(operation, readings, part) for part in ("", "_derivative"))
    x = same_length(-np.geomspace(1e-3, 20, 64))
    for number in (0.1, 0.3)[: 1 if lean else None]:  # float32 has both with an error of more than 3e-9 of them
        given = {"leaky_relu": "negative_slope", "elu": "alpha"}[operation]
        value, steep = f(x, **{given: number}), slope(x, **{given: number})
        note = f"{given} {number} in the digits of float32"
        moved = change(lambda v, given=given, number=number: f(v, **{given: number}), x)
        want = ulps(value, 12, "float64", scale=1.0, moved=moved)
        yield call(operation, x, **{given: number}, want=want, note=note)
        ones = np.ones_like(x)
        moved = change(lambda v, given=given, number=number: slope(v, **{given: number}), x)
        want = ulps(steep, 12, "float64", scale=1.0, moved=moved)
        yield gradient(operation, x, **{given: number}, cotangents=ones, want=(want,), note=f"{note}, in the gradient")


# ---- gelu, sigmoid, tanh, softplus, hard sigmoid


@clause("gelu.form")
def test_gelu_form(readings: dict) -> Iterator[Case]:
    x = same_length(np.linspace(-6, 6, 241).astype(np.float32))
    f = float64_oracle("gelu", readings)
    want = ulps(f(x), 4, "float32", scale=rounding_scale("gelu", x), moved=change(f, x))
    yield call("gelu", x, want=want, note="another form under the same name")


@clause("gelu.default-form")
def test_gelu_default_form(default: str) -> Iterator[Case]:
    yield from test_gelu_form({"form": default})


def stays_within(trial, low: float, high: float, at_zero: float) -> None:
    """Every result in [low, high], and the one at zero exact."""
    for dtype in trial.dtypes:
        with trial.part():
            x = real_numbers(dtype)
            y = trial.array(x).astype(np.float64)
            inside = (y >= low) & (y <= high)
            at = np.argmin(inside)
            outside = f"{trial.operation} leaves [{low:g}, {high:g}] at {float(x[at]):.6g} ({dtype}): {y[at]:.9g}"
            trial.require(bool(inside.all()), outside)
            zero = trial.array(np.zeros_like(x)).astype(np.float64)[0]
            trial.require(zero == at_zero, f"{trial.operation}(0) is {zero!r} in {dtype}, expected exactly {at_zero:g}")


@clause("sigmoid.range")
def test_sigmoid_range(trial) -> None:
    stays_within(trial, 0, 1, at_zero=0.5)


@clause("sigmoid.symmetry")
def test_sigmoid_symmetry(trial) -> None:
    for dtype in trial.dtypes:
        with trial.part():
            x = real_numbers(dtype)
            right, left = trial.array(x).astype(np.float64), trial.array(-x).astype(np.float64)
            scale = 2 * change(float64_oracle("sigmoid", {}), x)
            trial.expect(
                left, ulps(1 - right, 8, dtype, scale=1.0, moved=scale), f"sigmoid(-x) and 1 - sigmoid(x) in {dtype}"
            )


@clause("tanh.range")
def test_tanh_range(trial) -> None:
    stays_within(trial, -1, 1, at_zero=0.0)


@clause("tanh.odd")
def test_tanh_odd(trial) -> None:
    for dtype in trial.dtypes:
        with trial.part():
            x = real_numbers(dtype)
            trial.expect(
                trial.array(-x), exact(-trial.array(x).astype(np.float64), dtype), f"tanh(-x) and -tanh(x) in {dtype}"
            )


@clause("softplus.large")
def test_softplus_large() -> Iterator[Case]:
    for dtype in DTYPES:
        x = real_numbers(dtype)
        x = same_length(x[x.astype(np.float64) >= 40.0], x.size)
        yield call("softplus", x, want=ulps(x.astype(np.float64), 1, dtype), note="log of an overflow")


@clause("softplus.reflection")
def test_softplus_reflection(trial) -> None:
    for dtype in trial.dtypes:
        with trial.part():
            x = real_numbers(dtype, largest=1e4)
            difference = trial.array(x).astype(np.float64) - trial.array(-x).astype(np.float64)
            allowed = 8 * np.maximum(np.abs(x.astype(np.float64)), 1.0)
            by_input = 2 * change(float64_oracle("softplus", {}), x)
            trial.expect(
                difference,
                ulps(x, 8, dtype, scale=allowed / 8, moved=by_input),
                f"softplus(x) - softplus(-x) in {dtype}",
            )


@clause("hard-sigmoid.form")
def test_hard_sigmoid_form(readings: dict) -> Iterator[Case]:
    x = same_length(np.linspace(-4, 4, 129).astype(np.float32))
    f = float64_oracle("hard_sigmoid", readings)
    want = ulps(f(x), 4, "float32", scale=1.0)
    yield call("hard_sigmoid", x, want=want, note="another slope under the same name")


@clause("hard-sigmoid.default-form")
def test_hard_sigmoid_default_form(default: str) -> Iterator[Case]:
    yield from test_hard_sigmoid_form({"form": default})


@clause("hard-sigmoid.saturation")
def test_hard_sigmoid_saturation() -> Iterator[Case]:
    for dtype in DTYPES:
        x = real_numbers(dtype)
        x = same_length(x[np.abs(x.astype(np.float64)) > 3.01])
        yield call("hard_sigmoid", x, want=exact(x > 0, dtype), note="leaks")


@clause("hard-sigmoid.gradient-at-kinks")
def test_hard_sigmoid_gradient_at_kinks(readings: dict, lean: bool) -> Iterator[Case]:
    slope = oracle.HARD_SIGMOID_SLOPE[readings["form"]]
    edge = {"sixth": 3.0, "fifth": 2.5, "half": 1.0}[readings["form"]]
    at_kink = {"zero": 0.0, "slope": slope, "half-slope": slope / 2}[readings["gradient_at_kinks"]]
    dtypes, points = for_slopes(little(readings, lean)), [-9.0, -edge, 0.0, edge, 9.0]
    yield from gradient_at(dtypes, "hard_sigmoid", points, [0, at_kink, slope, at_kink, 0])
