"""Tests of components/losses/regression: values, gradients, second derivatives, and what holds at edges and far out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, call, clause, gradient, second_derivative
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.components.losses import regression as oracle
from nnspec_conformance.tolerance import Want, bound, exact

NONE: dict[str, Any] = {"reduction": "none"}
LIKELIHOODS = ("gaussian_nll", "poisson_nll", "poisson_nll_from_rate")
WIDTHS = {"huber": "delta", "smooth_l1": "beta"}


def fixed(operation: str) -> dict[str, Any]:
    """Every hyper-parameter off its default, but the constant, which value clauses leave out."""
    own = {WIDTHS[operation]: 2.0} if operation in WIDTHS else {"full": False} if operation in LIKELIHOODS else {}
    return NONE | own


# ---- inputs


def numbers(dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    """Predictions and targets: errors of both signs, within 1/2 and 2 and beyond, none 0 and none at an edge."""
    x = np.array([0.5, -1.25, 3.0, 0.125, -2.5, 7.5, -6.0, 1.0, 2.25, -0.75, 40.0, -30.0])
    d = np.array([0.25, -0.375, 1.5, -1.25, 3.0, -3.0, 0.75, -0.625, 6.0, -5.0, 33.0, -24.0])
    x, y = 1.1 * x, 1.1 * (x - d)  # no number of float32: a result that went through it shows in float64
    return x.astype(DTYPES[dtype]), y.astype(DTYPES[dtype])


def counts(dtype: str = "float32") -> np.ndarray:
    return np.array([0, 1, 2, 3, 0, 5, 12, 1, 0.5, 2.5, 7, 30], DTYPES[dtype])


def log_rates(dtype: str = "float32") -> np.ndarray:
    return np.array([0, 0.5, -1.5, 2, 1.25, -3, 2.5, -0.25, 0.75, 1, 3.5, 3], DTYPES[dtype])


def rates(dtype: str = "float32") -> np.ndarray:
    return np.array([1, 0.5, 2, 0.25, 3, 4.5, 10, 0.0625, 0.75, 1.5, 24, 36], DTYPES[dtype])


def variances(dtype: str = "float32") -> np.ndarray:
    return np.array([0.5, 2, 0.25, 1, 3, 4.5, 0.0625, 0.75, 9, 1.5, 100, 0.03125], DTYPES[dtype])


def arrays(operation: str, dtype: str = "float32") -> tuple[np.ndarray, ...]:
    """Valid arguments of an operation, always of the same shapes."""
    if operation == "gaussian_nll":
        return (*numbers(dtype), variances(dtype))
    if operation == "poisson_nll":
        return log_rates(dtype), counts(dtype)
    return (rates(dtype), counts(dtype)) if operation == "poisson_nll_from_rate" else numbers(dtype)


def table(operation: str) -> tuple[np.ndarray, ...]:
    """The arguments as a batch of 3 examples with 4 outputs."""
    return tuple(a.reshape(3, 4) for a in arrays(operation))


# ---- the errors that are allowed


def sizes(operation: str, given: tuple[np.ndarray, ...], attributes: dict) -> np.ndarray:
    """The terms of each loss in absolute value, times the units by which each is off; to be multiplied by 2u.

    A difference, a product and a quotient are off by one rounding each, a logarithm and an exponential by 4 ulp.
    """
    constant = attributes.get("full", False)
    with np.errstate(divide="ignore", invalid="ignore"):
        if operation == "gaussian_nll":
            x, y, v = given
            return 8 * (np.abs(np.log(v)) + 1 + (x - y) ** 2 / v + constant)
        if operation in LIKELIHOODS:
            x, t = given
            log_rate = x if operation == "poisson_nll" else np.log(x)
            terms = np.exp(log_rate) + np.where(t == 0, 0, t * (np.abs(log_rate) + 1))
            return 8 * (terms + constant * (t * (np.abs(np.log(t + 1)) + 1) + 2))
        d = np.abs(given[0] - given[1])
    if operation == "absolute_error":
        return 2 * d
    if operation == "squared_error":
        return 4 * d * d
    width = attributes.get(WIDTHS[operation], 1.0)
    linear = 4 * (width * d + width * width / 2)
    quadratic = 4 * np.where(d > width, 0, d) ** 2
    return np.where(d > width, linear, quadratic) / (width if operation == "smooth_l1" and width else 1)


def known(operation: str, readings: dict) -> dict[str, str]:
    """The readings that change a number of the operation; an empty mean and long sums have their own clauses."""
    return {name: reading for name, reading in readings.items() if name not in ("empty_mean", "sums")}


def losses(operation: str, readings: dict) -> Callable[..., Want]:
    """The definition in float64, and its rounding bound; of a mean or a sum the bound of that sum."""
    told = known(operation, readings)
    how = {"outputs": told["outputs"]}

    def want(*given: np.ndarray, **attributes: Any) -> Want:
        dtype, given, function = str(given[0].dtype), wide(given), getattr(oracle, operation)
        value = function(*given, **attributes, **told)
        size, count = sizes(operation, given, attributes), 1
        if value.shape != size.shape:
            count = size.size
            each = function(*given, **attributes | NONE, **told | {"outputs": "each"})
            size = size + (count + 2) * np.abs(each)
            size = oracle.handed_out(size, attributes.get("reduction", "none"), **how)
        return bound(value, size, 0, dtype, underflow=4.0 * count)

    return want


def value_case(operation: str, readings: dict, *given: np.ndarray, note: str = "", **attributes: Any) -> Case:
    return call(operation, *given, **fixed(operation) | attributes, want=losses(operation, readings), note=note)


# ---- values


@clause("regression.value")
def test_value(operation: str, readings: dict) -> Iterator[Case]:
    for dtype in DTYPES:
        yield value_case(operation, readings, *arrays(operation, dtype), note="a factor, a sign, a swapped argument")
    if operation in WIDTHS:
        yield value_case(operation, readings, *numbers(), **{WIDTHS[operation]: 0.5}, note="Huber or smooth L1")


@clause("squared-error.factor")
def test_factor(readings: dict) -> Iterator[Case]:
    yield value_case("squared_error", readings, *numbers(), note="half of it")


@clause("smooth-l1.beta-zero")
def test_beta_zero(readings: dict) -> Iterator[Case]:
    yield value_case("smooth_l1", readings, *numbers(), beta=0.0, note="0 / 0")
    yield gradient_case("smooth_l1", readings, *numbers(), beta=0.0, note="0 / 0 in the backward pass")


@clause("gaussian-nll.full")
def test_gaussian_constant(trial) -> None:
    with_constant(trial)


@clause("poisson-nll.log-factorial")
def test_log_factorial(trial) -> None:
    with_constant(trial)


def with_constant(trial) -> None:
    """The loss with its constant, and a gradient that does not see it."""
    asked = NONE | {"full": True}
    for dtype in ("float32", "float64"):
        if dtype not in trial.dtypes:
            continue
        given = arrays(trial.operation, dtype)
        cotangents = normal_draws(40, given[0].shape, dtype)
        got = trial.call(*given, **asked)
        trial.expect(
            got, losses(trial.operation, trial.readings)(*given, **asked), f"{dtype}, losses with the constant"
        )
        slope = trial.vjp(given, cotangents, **asked)[0]
        want = slopes(trial.operation, trial.readings, given, cotangents, NONE | {"full": False})[0]
        trial.expect(slope, want, f"{dtype}, gradient with the constant")


@clause("poisson-nll.zero-rate")
def test_zero_rate(trial) -> None:
    from_rate = trial.operation == "poisson_nll_from_rate"
    x, t = arrays(trial.operation)
    x, t = x.copy(), t.copy()
    x[:4], t[:4] = 0 if from_rate else -np.inf, 0
    asked, ones = fixed(trial.operation), np.ones_like(x)
    trial.expect(trial.call(x, t, **asked)[:4], exact(np.zeros(4)), "losses of the rate 0 for the count 0")
    slope = trial.vjp((x, t), ones, **asked)[0][:4]
    trial.expect(slope, exact(np.full(4, 1.0 if from_rate else 0.0)), "gradient at the rate 0 for the count 0")


@clause("poisson-nll-from-rate.epsilon")
def test_epsilon(readings: dict) -> Iterator[Case]:
    for dtype in ("float32", "float64"):
        rate, count = rates(dtype), counts(dtype)
        rate[:6], count[:6] = [0, 0, 1e-6, 1e-6, 1e-6, 1e-3], [3, 1, 1, 2, 30, 4]
        yield value_case("poisson_nll_from_rate", readings, rate, count, note="another epsilon, or none")


@clause("gaussian-nll.small-variance")
def test_small_variance(readings: dict) -> Iterator[Case]:
    for dtype in ("float32", "float64"):
        x, y, v = arrays("gaussian_nll", dtype)
        y[:4], v[:4] = x[:4] - np.array([0, 1e-4, -1e-3, 0.5], dtype), 1e-9
        yield value_case("gaussian_nll", readings, x, y, v, note="a clamp that nobody asked for, or another one")


# ---- gradients


def slope_sizes(operation: str, given: tuple[np.ndarray, ...], found: tuple, attributes: dict) -> tuple:
    """The terms of the slope for each array in absolute value, times the units by which each is off, as above."""
    if operation == "gaussian_nll":
        x, y, v = given
        first = 6 * np.abs(x - y) / v
        return first, first, 8 * (1 / v + ((x - y) / v) ** 2)
    if operation == "poisson_nll":
        return 8 * (np.exp(given[0]) + given[1]), 4 * np.abs(given[0])
    if operation == "poisson_nll_from_rate":
        rate, t = given
        return 6 * (1 + t / rate), 8 * (np.abs(np.log(rate)) + 1)
    return tuple(4 * np.abs(slope) for slope in found)


def slopes(operation: str, readings: dict, given: tuple, cotangents: np.ndarray, attributes: dict) -> tuple[Want, ...]:
    """The gradients in float64, and their rounding bounds."""
    dtype, exact_arrays, told = str(given[0].dtype), wide(tuple(given)), known(operation, readings)
    vjp = getattr(oracle, f"{operation}_vjp")
    found = vjp(*exact_arrays, wide(cotangents), **attributes, **told)
    how = {"reduction": attributes["reduction"], "outputs": told["outputs"]}
    g = np.abs(oracle.of_elements(wide(cotangents), given[0].shape, **how))
    plain = vjp(*exact_arrays, np.ones(given[0].shape), **attributes | NONE, **told | {"outputs": "each"})
    return tuple(
        bound(value, g * size, 2 * (attributes["reduction"] == "mean"), dtype, underflow=4 * g)
        for value, size in zip(found, slope_sizes(operation, exact_arrays, plain, attributes), strict=True)
    )


def gradient_case(operation: str, readings: dict, *given: np.ndarray, note: str = "", **attributes: Any) -> Case:
    asked = fixed(operation) | attributes
    shape = given[0].shape if asked["reduction"] == "none" else ()
    cotangents = np.asarray(normal_draws(41, shape, str(given[0].dtype)))

    def want(*operands: np.ndarray, **told: Any) -> tuple[Want, ...]:
        return slopes(operation, readings, operands[:-1], operands[-1], told)

    return gradient(operation, *given, **asked, cotangents=cotangents, want=want, note=note)


@clause("regression.gradient")
def test_gradient(operation: str, readings: dict) -> Iterator[Case]:
    for dtype in ("float32", "float64", "bfloat16"):
        yield gradient_case(operation, readings, *arrays(operation, dtype), note="averages, or loses a factor")
    if operation in WIDTHS:
        yield gradient_case(operation, readings, *numbers(), **{WIDTHS[operation]: 0.5}, note="Huber or smooth L1")
    for reduction in ("mean", "sum"):
        yield gradient_case(operation, readings, *arrays(operation), reduction=reduction, note=f"that of a {reduction}")


@clause("regression.second-derivative")
def test_second_derivative(operation: str, readings: dict) -> Iterator[Case]:
    told = known(operation, readings)
    function = getattr(oracle, f"{operation}_second_derivative")
    for dtype in ("float32", "float64"):
        given, asked = arrays(operation, dtype), fixed(operation)
        value = function(*wide(given), **asked, **told)
        want = bound(value, 8 * np.abs(value), 0, dtype)
        yield second_derivative(operation, *given, **asked, want=want, note="a slope that is held constant")


@clause("absolute-error.kink")
def test_kink(operation: str, readings: dict) -> Iterator[Case]:
    asked = NONE | ({"beta": 0.0} if operation == "smooth_l1" else {})
    cotangents = normal_draws(42, (12,))
    for x in (numbers()[0], np.zeros(12, np.float32)):
        want = (exact(oracle.KINKS[readings["kink"]] * wide(cotangents)),)
        want += (exact(-want[0].value),)
        yield gradient(
            operation, x, x, **asked, cotangents=cotangents, want=want, note="the other side's slope, or NaN"
        )


def beyond(operation: str, size: float, dtype: str) -> tuple[np.ndarray, ...]:
    """Errors of this size, of both signs, made in either argument."""
    d = np.resize(np.array([size, -size], dtype), 12)
    first = np.arange(12) < 6
    return np.where(first, d, 0).astype(dtype), np.where(first, 0, d).astype(dtype)


@clause("huber.edge")
def test_edge(operation: str, readings: dict) -> Iterator[Case]:
    for width in (2.0, 0.5):
        given = beyond(operation, width, "float32")
        yield gradient_case(operation, readings, *given, **{WIDTHS[operation]: width}, note="half or twice the slope")


@clause("huber.far")
def test_far(operation: str, readings: dict) -> Iterator[Case]:
    for dtype, size in (("float32", 1e30), ("float32", np.inf), ("float64", 1e200)):
        given = beyond(operation, size, dtype)
        yield value_case(operation, readings, *given, note="the square of a large error overflows")
        yield gradient_case(operation, readings, *given, note="0 times infinity in the backward pass")
