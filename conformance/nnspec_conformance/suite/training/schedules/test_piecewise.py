"""Tests of training/schedules/piecewise: the rate of every step, far steps, and which update has which rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.oracles.training.schedules import piecewise as oracle
from nnspec_conformance.suite.training.schedules._rates import AXES, U, filled, printed, refused
from nnspec_conformance.tolerance import Want, carried

STEPS = filled(np.arange(14))
RATES = np.array([0.25, 0.75, 0.1], np.float32)
BOUNDARIES = (3, 8)
SHAPES = ((), (0,), (1,), (2, 1, 3), AXES, (70,))
GRADIENTS = np.array([1.5, -0.5, 2.0, 0.75, -1.25, 0.3, 1.0, -2.5], np.float32)
TABLE = np.array([0.5, 0.3, 0.9, 0.05, 0.7, 0.2, 0.6, 0.1, 0.4], np.float32)


def constant() -> Callable[..., Want]:
    def want(steps: np.ndarray, *, rate: float) -> Want:
        value = oracle.constant_rate(steps, rate=rate, dtype="float64")
        return carried(value, 2 * U * value, "float32")

    return want


def pieces(readings: dict) -> Callable[..., Want]:
    """The rate of the piece, which may be a product of as many factors as there are pieces before it."""

    def want(steps: np.ndarray, rates: np.ndarray, **given: Any) -> Want:
        value = oracle.piecewise_constant(steps, rates, **readings | given, dtype="float64")
        return carried(value, 2 * U * (1 + len(rates)) * value, "float32")

    return want


def positions(readings: dict) -> Callable[..., Want]:
    """The parameter after each update, with the rounding of each product and each sum."""

    def want(gradients: np.ndarray, rates: np.ndarray, **given: Any) -> Want:
        g, r = np.asarray(gradients, np.float64), np.asarray(rates, np.float64)
        value = oracle.scheduled_descent(g, r, **readings | given)
        products = np.maximum(r[:-1], r[1:]) * np.abs(g)
        return carried(value, 2 * U * np.cumsum(2 * products + np.abs(value)), "float32")

    return want


def asked(
    readings: dict, note: str, steps: np.ndarray = STEPS, rates: Any = RATES, dtype: str = "float32", **given: Any
) -> Case:
    told, values = {"boundaries": BOUNDARIES} | given, np.asarray(rates).astype(DTYPES[dtype])
    return call("piecewise_constant", steps, values, **told, want=pieces(readings), note=note)


@clause("piecewise.example")
def test_example(operation: str, readings: dict) -> Iterator[Case]:
    steps, rates = filled(np.arange(6)), np.array([0.2, 0.8, 0.1], np.float32)
    note = "one step off"
    if operation == "constant_rate":
        yield call(operation, steps, rate=0.8, want=printed([0.8]), note=note)
    else:
        late = readings.get("boundary") == "after"
        table = [0.2, 0.2, 0.2, 0.8, 0.8, 0.8] if late else [0.2, 0.2, 0.8, 0.8, 0.8, 0.1]
        yield call(operation, steps, rates, boundaries=(2, 5), want=printed(table), note=note)


@clause("constant-rate.value")
def test_constant() -> Iterator[Case]:
    for shape in SHAPES:
        steps = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
        yield call("constant_rate", steps, rate=0.75, want=constant(), note="a rate that ends after some steps")
    yield call("constant_rate", STEPS, rate=3.0, want=constant(), note="a rate above 1")
    yield call("constant_rate", STEPS, rate=0.0, want=constant(), note="a rate of 0")


@clause("piecewise-constant.value")
def test_pieces(readings: dict) -> Iterator[Case]:
    yield asked(readings, "rates that rise and fall")
    for shape in SHAPES:
        steps = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
        yield asked(readings, "steps with axes", steps, boundaries=(1, 6))
    yield asked(readings, "a last piece of 0", rates=[0.5, 0.75, 0.0])


@clause("piecewise-constant.pieces")
def test_number_of_pieces(readings: dict) -> Iterator[Case]:
    for boundary in (3, 20):
        steps = filled(np.arange(boundary - 2, boundary + 3))
        yield asked(readings, "two pieces", steps, rates=[0.75, 0.3], boundaries=(boundary,))
    yield asked(readings, "pieces of one step", rates=[0.1, 0.6, 0.2, 0.9, 0.4], boundaries=(4, 5, 6, 9))
    steps, many = filled([0, 4, 30, 67, 81, 82, 99]), np.random.default_rng(0).uniform(0.1, 1, 80)
    yield asked(readings, "a piece for each step", steps, many, boundaries=tuple(range(4, 83)))


@clause("piecewise-constant.dtypes")
def test_dtypes(readings: dict, lean: bool) -> Iterator[Case]:
    """Rates that every dtype holds, so that the answer in float32 is none of another one."""
    for dtype in ("float32", "float64", "float16", "bfloat16"):
        for pieces in (8, 13) if lean else (3, 8, 13):
            rates, boundaries = np.arange(1, pieces + 1)[::-1] / 16, tuple(range(1, pieces))
            yield asked(readings, "rates in another dtype", rates=rates, dtype=dtype, boundaries=boundaries)


@clause("piecewise-constant.single")
def test_single(readings: dict) -> Iterator[Case]:
    yield asked(readings, "no boundary at all", rates=[0.75], boundaries=())


@clause("piecewise-constant.boundary")
def test_boundary(readings: dict) -> Iterator[Case]:
    for boundary in (1, 6, 12):
        yield asked(readings, "one step early or late", rates=[0.75, 0.3], boundaries=(boundary,))


@clause("piecewise-constant.large-steps")
def test_large_steps(readings: dict) -> Iterator[Case]:
    for boundary in (2**24 + 1, 2**31 - 3):
        steps = filled(np.arange(boundary - 2, boundary + 2))
        yield asked(readings, "steps in float32", steps, [0.75, 0.3], boundaries=(boundary,))
        both = (1000, boundary)
        yield asked(readings, "steps in float32", steps, [0.1, 0.75, 0.3], boundaries=both)


@clause("piecewise.before-start")
def test_before_start(operation: str, readings: dict) -> Iterator[Case]:
    steps = filled([-1, -2, -7, 0])
    if operation == "constant_rate":
        yield call(operation, steps, rate=0.75, want=constant(), note="nothing before step 0")
    else:
        yield asked(readings, "an index from the end", steps)


@clause("scheduled-descent.first-rate")
def test_first_rate(readings: dict) -> Iterator[Case]:
    for note, gradients in (("the first update", np.ones(8, np.float32)), ("each update", GRADIENTS)):
        yield call("scheduled_descent", gradients, TABLE, want=positions(readings), note=note)
    for n in (1, 70):
        draws = np.random.default_rng(n)
        gradients, rates = np.float32(draws.uniform(0.5, 2, n)), np.float32(draws.uniform(0.1, 1, n + 1))
        yield call("scheduled_descent", gradients, rates, want=positions(readings), note="one update, and many")
    still = GRADIENTS * np.array([1, 1, 0, 0, 1, 1, 0, 1], np.float32)
    yield call("scheduled_descent", still, TABLE, want=positions(readings), note="a gradient of 0 that is not counted")


@clause("scheduled-descent.resume")
def test_resume(readings: dict) -> Iterator[Case]:
    for at in (1, 2, 4, 7):
        note = "a step twice, skipped, or the count at 0 again"
        yield call("scheduled_descent", GRADIENTS, TABLE, resume_at=at, want=positions(readings), note=note)


@clause("piecewise-constant.order")
def test_order(readings: dict) -> Iterator[ErrorCase]:
    for boundaries, note in (((8, 3), "boundaries that fall"), ((3, 3), "a piece of no steps")):
        told = {"boundaries": BOUNDARIES}
        yield refused("piecewise_constant", (STEPS, RATES), told, {"boundaries": boundaries}, note)


@clause("piecewise.negative")
def test_negative(operation: str) -> Iterator[ErrorCase]:
    if operation == "constant_rate":
        yield refused(operation, (STEPS,), {"rate": 0.75}, {"rate": -0.75})
    else:
        wrong, note = RATES * np.array([1, -1, 1], np.float32), "a negative rate"
        yield refusal(operation, STEPS, wrong, boundaries=BOUNDARIES, valid=(STEPS, RATES), note=note)
