"""Tests of momentum: heavy ball and Nesterov's form, closed forms on quadratics, dampening, weight decay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance import steppers
from nnspec_conformance.cases import Case, ErrorCase, clause, steps
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.oracles.components.optimization import gradient_descent
from nnspec_conformance.oracles.training import momentum as oracle
from nnspec_conformance.steppers import RATES, Stepper, lean
from nnspec_conformance.tolerance import Want, exact

GIVEN = {"learning_rate": 0.5, "momentum": 0.75}
MOMENTUM = Stepper("momentum", oracle.momentum, GIVEN)
NESTEROV = Stepper("nesterov", oracle.nesterov, GIVEN)
ALL = ("bfloat16", "float16", "float32", "float64")
ASIDE = {"first_gradient": "whole", "decay_position": "gradient"}  # keywords that most questions are not about


def in_short(readings: dict) -> bool:
    """Whether a keyword that the question is not about has its other reading: float32 is enough then."""
    return any(readings.get(name, usual) != usual for name, usual in ASIDE.items())


def mixed(dtype: str) -> list[dict[str, np.ndarray]]:
    """Twelve gradients that change their signs, grow, come late, vanish for two steps, and, in 'c', are tiny."""
    grads = steppers.gradients(12, dtype)
    for t, one in enumerate(grads):
        one["a"] = one["a"] * one["a"].dtype.type(1.25**t)
        one["a"][0] *= t > 5
        one["b"] = one["b"] * one["b"].dtype.type(t not in (4, 5))
        one["c"] = np.asarray(one["c"] * 2.0**-12, one["c"].dtype)
    return grads


def moved_to(want: list[dict[str, Want]], values: list[dict[str, Any]]) -> list[dict[str, Want]]:
    """The tolerances of a trajectory around values that a closed form gives."""
    return [
        {name: replace(one[name], value=np.asarray(now[name], np.float64)) for name in one}
        for one, now in zip(want, values, strict=True)
    ]


# ---- the rules


@clause("momentum.rate-position")
def test_rate_position(operation: str, readings: dict) -> Iterator[Case]:
    note = "the rate changes while the velocity is kept"
    dtypes = ("float32",) if in_short(readings) else ALL
    yield from steppers.of(operation).steps(readings, rates=RATES + RATES, grads=mixed, dtypes=dtypes, note=note)


@clause("momentum.constant-rate")
def test_constant_rate(operation: str, readings: dict) -> Iterator[Case]:
    """Whichever reading the subject has, it is compared with the rule whose rate is outside."""
    others = {name: reading for name, reading in readings.items() if name != "rate_position"}
    dtypes = ("float32",) if in_short(readings) else ("float32", "float64")
    yield from steppers.of(operation).steps(others, grads=mixed, count=12, dtypes=dtypes, note="one rate for all")


@clause("momentum.example")
def test_example() -> Iterator[Case]:
    given: dict[str, Any] = {"learning_rate": 0.25, "momentum": 0.25}
    yield from by_hand("momentum", oracle.EXAMPLE_PATH, oracle.EXAMPLE_CURVATURES, given)


@clause("nesterov.example")
def test_nesterov_example() -> Iterator[Case]:
    given: dict[str, Any] = {"learning_rate": 0.25, "momentum": 0.5}
    yield from by_hand("nesterov", oracle.NESTEROV_PATH, 1.0, given)


def by_hand(operation: str, path: tuple, curvatures: Any, given: dict[str, Any]) -> Iterator[Case]:
    """A path whose every number is a number of every dtype, and so of the one with the fewest digits."""
    for dtype in ("bfloat16", "float32"):
        params = [{"w": np.asarray(w, DTYPES[dtype])} for w in path]
        grads = [{"w": np.asarray(now["w"] * np.asarray(curvatures, DTYPES[dtype]))} for now in params[:-1]]
        want = [{"w": exact(now["w"], dtype)} for now in params[1:]]
        yield steps(operation, params[0], grads=grads, want=want, note="the page's table", **given)


@clause("momentum.zero")
def test_zero() -> Iterator[Case]:
    params, grads, rates = steppers.tree(400), mixed("float32"), list(RATES)
    want = steppers.trajectory(gradient_descent, params, grads[:6], rates, dtype="float32", learning_rate=0.5)
    given: dict[str, Any] = {"learning_rate": 0.5, "momentum": 0.0}
    yield steps("momentum", params, grads=grads[:6], rates=rates, want=want, **given)


@clause("momentum.constant-gradient")
def test_constant_gradient(operation: str, readings: dict) -> Iterator[Case]:
    """Steps grow to nearly four times the first one of heavy ball."""
    beta, rate, count = 0.75, 0.125, 12
    given: dict[str, Any] = {"learning_rate": rate, "momentum": beta}
    for dtype in ("float32",) if in_short(readings) else ("float32", "float64"):
        params, g = (lean(one, dtype) for one in (steppers.tree(400, dtype), *steppers.gradients(1, dtype)))
        ahead = 1 if operation == "nesterov" else 0
        moved = np.cumsum([(1 - beta ** (t + ahead)) / (1 - beta) for t in range(1, count + 1)])
        values = [{name: np.float64(p) - rate * n * np.float64(g[name]) for name, p in params.items()} for n in moved]
        want = steppers.of(operation).expected(params, [g] * count, dtype=dtype, **given | told(operation, readings))
        yield steps(operation, params, grads=[g] * count, want=moved_to(want, values), **given)


def told(operation: str, readings: dict) -> dict:
    """Readings that the oracle of the operation takes."""
    return {k: v for k, v in readings.items() if operation == "momentum" or k == "rate_position"}


# ---- quadratic losses


@clause("momentum.quadratic")
def test_quadratic(readings: dict) -> Iterator[Case]:
    yield from quadratic("momentum", oracle.heavy_ball_constants, oracle.heavy_ball_errors, 9.0, 121.0, readings)


@clause("nesterov.quadratic")
def test_nesterov_quadratic(readings: dict) -> Iterator[Case]:
    yield from quadratic("nesterov", oracle.nesterov_constants, oracle.nesterov_errors, 5.0, 40.0, readings)


def quadratic(
    operation: str, constants: Callable, errors: Callable, low: float, high: float, readings: dict
) -> Iterator[Case]:
    """Every step of 24 on a quadratic loss with the curvatures 1 and ``low``, then 1 and ``high``."""
    count, start = 24, np.array([3.0, -5.0])
    for largest in (low,) if in_short(readings) else (low, high):
        rate, beta, factor = map(float, constants(1.0, largest))
        values = [{"w": start * np.array(errors(t, factor))} for t in range(1, count + 1)]
        given: dict[str, Any] = {"learning_rate": rate, "momentum": beta}
        for dtype in ("float32",) if largest == low else ("float32", "float64"):
            slopes = np.array([1.0, largest], dtype)
            params = {"w": start.astype(dtype)}

            def gradient(now: dict, slopes: np.ndarray = slopes) -> dict:
                return {"w": slopes * now["w"]}

            want = steppers.of(operation).expected(
                params, gradient, [rate] * count, dtype=dtype, **given | told(operation, readings)
            )
            yield steps(
                operation, params, grads=gradient, rates=[rate] * count, want=moved_to(want, values),
                note=f"curvatures 1 and {largest:g}", **given,
            )  # fmt: skip


@clause("nesterov.lookahead")
def test_lookahead(readings: dict) -> Iterator[Case]:
    """A loss whose slope is no line: the gradient is x / 4 + x / (1 + |x|)."""

    def slope(x: np.ndarray) -> np.ndarray:
        return x / 4 + x / (1 + np.abs(x))

    def gradient(now: dict) -> dict:
        return {name: np.asarray(slope(x), x.dtype) for name, x in now.items()}

    rate, beta, count = 0.5, 0.75, 12
    given: dict[str, Any] = {"learning_rate": rate, "momentum": beta}
    for dtype in ("float32", "float64"):
        params = lean(steppers.tree(400, dtype, scale=4.0), dtype)
        paths = {name: oracle.looks_ahead(np.float64(p), slope, [rate] * count, beta) for name, p in params.items()}
        values = [{name: path[t] for name, path in paths.items()} for t in range(count)]
        want = NESTEROV.expected(params, gradient, [rate] * count, dtype=dtype, **given | told("nesterov", readings))
        yield steps("nesterov", params, grads=gradient, rates=[rate] * count, want=moved_to(want, values), **given)


# ---- dampening and weight decay


@clause("momentum.dampening")
def test_dampening(readings: dict) -> Iterator[Case]:
    note = "what the first gradient counts stays in the velocity"
    yield from MOMENTUM.steps(readings, dampening=0.25, dtypes=("float32",), note=note)


@clause("momentum.weight-decay")
def test_weight_decay(readings: dict) -> Iterator[Case]:
    note = "decay that goes through the velocity, or beside it"
    yield from MOMENTUM.steps(readings, weight_decay=0.25, dtypes=("float32",), note=note)


# ---- refusals


@clause("momentum.range")
def test_range(operation: str) -> Iterator[ErrorCase]:
    yield steppers.of(operation).refuses("a momentum of -0.5, which brakes", momentum=-0.5)
    yield steppers.of(operation).refuses("a momentum of 1, which never stops", momentum=1.0)
    yield steppers.of(operation).refuses("a momentum that is not a number", momentum=float("nan"))


@clause("momentum.dampening-range")
def test_dampening_range() -> Iterator[ErrorCase]:
    yield refused("a dampening of 1.5, which climbs", dampening=1.5)
    yield refused("a dampening of -0.25, by which gradients grow", dampening=-0.25)


@clause("momentum.negative-decay")
def test_negative_decay() -> Iterator[ErrorCase]:
    yield refused("a decay of -0.25, by which every weight grows", weight_decay=-0.25)


def refused(note: str, **wrong: float) -> ErrorCase:
    """Heavy ball with one keyword out of range; 1/4 is valid."""
    case = MOMENTUM.refuses(note, **wrong)
    valid = replace(case.bad, attributes=GIVEN | dict.fromkeys(wrong, 0.25))
    return ErrorCase(case.bad, valid, note)
