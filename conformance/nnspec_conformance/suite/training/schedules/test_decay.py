"""Tests of training/schedules/decay: the rate of every step, far steps, and what comes after the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause
from nnspec_conformance.oracles.training.schedules import decay as oracle
from nnspec_conformance.suite.training.schedules._rates import AXES, NEAR, U, bounded, filled, printed, refused
from nnspec_conformance.tolerance import Want, carried
from nnspec_conformance.trial import Trial

ORACLES = {
    name: getattr(oracle, name)
    for name in ("step_decay", "exponential_decay", "inverse_time_decay", "polynomial_decay", "cosine_decay")
}
LENGTH = 10
STEPS = filled(np.arange(LENGTH + 4))
FALL = filled(np.arange(LENGTH + 1))  # up to the end of those that have one
BOUNDARIES = np.array([3, 7, 11], np.int32)
GIVEN: dict[str, dict[str, Any]] = {
    "step_decay": {"initial": 0.75, "factor": 0.3},
    "exponential_decay": {"initial": 0.75, "decay_steps": 3, "decay_rate": 0.6},
    "inverse_time_decay": {"initial": 0.75, "decay_steps": 3, "decay_rate": 0.6},
    "polynomial_decay": {"initial": 0.75, "decay_steps": LENGTH, "end": 0.125, "power": 1.0},
    "cosine_decay": {"initial": 0.75, "decay_steps": LENGTH, "floor": 0.125},
}
# The page's example: what is told, and the rates of the steps 0 to 5.
EXAMPLE: dict[str, tuple[dict[str, Any], list[float]]] = {
    "step_decay": ({"initial": 0.8, "factor": 0.5}, [0.8, 0.8, 0.4, 0.4, 0.2, 0.2]),
    "exponential_decay": (
        {"initial": 0.8, "decay_steps": 2, "decay_rate": 0.5}, [0.8, 0.5657, 0.4, 0.2828, 0.2, 0.1414],
    ),
    "inverse_time_decay": (
        {"initial": 0.8, "decay_steps": 2, "decay_rate": 1.0}, [0.8, 0.5333, 0.4, 0.32, 0.2667, 0.2286],
    ),
    "polynomial_decay": (
        {"initial": 0.8, "decay_steps": 4, "end": 0.2, "power": 1.0}, [0.8, 0.65, 0.5, 0.35, 0.2, 0.2],
    ),
    "cosine_decay": ({"initial": 0.8, "decay_steps": 4, "floor": 0.2}, [0.8, 0.7121, 0.5, 0.2879, 0.2, 0.2]),
}  # fmt: skip


def arrays(operation: str, steps: np.ndarray = STEPS) -> tuple[np.ndarray, ...]:
    return (steps, BOUNDARIES) if operation == "step_decay" else (steps,)


def rate(operation: str, readings: dict) -> Callable[..., Want]:
    """The rate in float32, with the rounding of the step, of a power's exponent, and of an angle."""

    def want(steps: np.ndarray, *rest: np.ndarray, **given: Any) -> Want:
        told = {name: readings[name] for name in ("boundary", "floor_is", "after_end") if name in readings} | given
        value = ORACLES[operation](steps, *rest, **told, dtype="float64")
        size, t = np.abs(value), np.asarray(steps, np.float64)
        if operation == "step_decay":
            size = size * (1 + len(rest[0]))
        if operation == "exponential_decay":  # a power is the exponential of a product, and the product is rounded
            size = size * (1 + np.abs(t / given["decay_steps"] * np.log(given["decay_rate"])))
        if operation == "polynomial_decay":  # the part that is left is a difference
            size = np.full_like(value, (given["initial"] + given["end"]) * (1 + given["power"]))
        if operation == "cosine_decay":
            size = (given["initial"] + given["floor"] * (1 + given["initial"])) * (
                1 + np.minimum(np.pi * t / given["decay_steps"], 4)
            )
            if readings.get("after_end") == "rises":
                size = (given["initial"] + given["floor"] * (1 + given["initial"])) * (
                    1 + np.pi * t / given["decay_steps"]
                )
        return carried(value, 4 * U * size, "float32")

    return want


def asked(operation: str, readings: dict, note: str, steps: np.ndarray = STEPS, **given: Any) -> Case:
    return call(
        operation, *arrays(operation, steps), **GIVEN[operation] | given, want=rate(operation, readings), note=note
    )


@clause("decay.example")
def test_example(operation: str, readings: dict) -> Iterator[Case]:
    given, rates = EXAMPLE[operation]
    steps, boundaries = filled(np.arange(6)), np.array([2, 4], np.int32)
    table = list(rates)
    if readings.get("boundary") == "after":
        table = [0.8, 0.8, 0.8, 0.4, 0.4, 0.2]
    if readings.get("floor_is") == "fraction":
        given = given | {"floor": 0.25}
    if readings.get("after_end") == "rises":
        table[5] = table[3]
    told = (steps, boundaries) if operation == "step_decay" else (steps,)
    yield call(operation, *told, **given, want=printed(table), note="one step off")


@clause("step-decay.value")
def test_step_decay(readings: dict) -> Iterator[Case]:
    yield asked("step_decay", readings, "the factor of the last boundary alone")
    yield asked("step_decay", readings, "steps with axes", STEPS.reshape(AXES))


@clause("step-decay.boundary")
def test_boundary(readings: dict) -> Iterator[Case]:
    for boundary in (0, 1, 6):
        b = np.array([boundary], np.int32)
        want = rate("step_decay", readings)
        yield call("step_decay", STEPS, b, initial=0.75, factor=0.25, want=want, note="one step early or late")


@clause("step-decay.large-steps")
def test_large_steps(readings: dict) -> Iterator[Case]:
    want = rate("step_decay", readings)
    for boundary in (2**24 + 1, 2**31 - 3):
        steps, b = filled(np.arange(boundary - 2, boundary + 2)), np.array([boundary], np.int32)
        yield call("step_decay", steps, b, initial=0.75, factor=0.25, want=want, note="steps compared in float32")


@clause("exponential-decay.value")
def test_exponential(readings: dict) -> Iterator[Case]:
    yield asked("exponential_decay", readings, "a factor for each step")
    yield asked("exponential_decay", readings, "a smooth decay", staircase=True)
    yield asked("exponential_decay", readings, "two lengths", decay_steps=1, decay_rate=0.9)


@clause("exponential-decay.long")
def test_long(readings: dict) -> Iterator[Case]:
    steps = filled([10**6, 999_999, 500_001, 70_001])
    for staircase in (False, True):
        given = {"decay_steps": 100_000, "decay_rate": 0.5, "staircase": staircase}
        yield asked("exponential_decay", readings, "a rounded factor for each step", steps, **given)


@clause("inverse-time-decay.value")
def test_inverse_time(readings: dict) -> Iterator[Case]:
    for staircase in (False, True):
        yield asked("inverse_time_decay", readings, "a root of the step", staircase=staircase)
    yield asked("inverse_time_decay", readings, "two lengths", decay_steps=1, decay_rate=2.0)


@clause("polynomial-decay.value")
def test_polynomial(readings: dict) -> Iterator[Case]:
    for power in (1.0, 2.0, 0.5):
        for end in (0.125, 0.0):
            yield asked("polynomial_decay", readings, "no end", power=power, end=end)


@clause("cosine-decay.value")
def test_cosine(readings: dict) -> Iterator[Case]:
    yield asked("cosine_decay", readings, "a whole period", FALL)


@clause("cosine-decay.floor-is")
def test_floor(readings: dict) -> Iterator[Case]:
    for floor in (0.25, 0.0):
        yield asked("cosine_decay", readings, "a floor of the other kind", FALL, floor=floor)


@clause("cosine-decay.after-end")
def test_after_end(readings: dict) -> Iterator[Case]:
    yield asked("cosine_decay", readings, "the other way after the end", NEAR)


@clause("decay.large-steps")
def test_large_stairs(operation: str, readings: dict) -> Iterator[Case]:
    """Where the first stair begins, and the 97th."""
    for length, begins in ((2**24 + 1, 2**24 + 1), (172_961, 2**24 + 1), (2**31 - 3, 2**31 - 3)):
        steps = filled(np.arange(begins - 2, begins + 2))
        given = {"decay_steps": length, "decay_rate": 0.9, "staircase": True}
        yield asked(operation, readings, "stairs counted in float32", steps, **given)


@clause("decay.falls")
def test_falls(trial: Trial, operation: str) -> None:
    found = np.asarray(trial.call(*arrays(operation, FALL), **GIVEN[operation]), np.float64)[: LENGTH + 1]
    up = np.flatnonzero(np.diff(found) > 4 * U * found[0])
    where = f"from step {up[0]} to {up[0] + 1}" if len(up) else ""
    trial.require(not len(up), f"the rate rises {where}")
    trial.require(bool(found[-1] < found[0]), f"the rate is {found[-1]} at the end, and was {found[0]} at the start")


@clause("decay.bounds")
def test_bounds(trial: Trial, operation: str, readings: dict) -> None:
    given = dict(GIVEN[operation])
    if operation == "exponential_decay":  # a length of one and a stair are what every library has
        given |= {"decay_steps": 1, "decay_rate": 0.9}
    if operation == "polynomial_decay":
        given |= {"end": 0.0}
    low = given.get("end", given.get("floor", 0.0))
    if readings.get("floor_is") == "fraction":
        low = low * given["initial"]
    bounded(trial, arrays(operation)[1:], given, low, given["initial"])


# ---- what is refused


@clause("decay.lengths")
def test_lengths(operation: str) -> Iterator[ErrorCase]:
    for length in (0, -3):
        yield refused(operation, (STEPS,), GIVEN[operation], {"decay_steps": length})


ABOVE = {"polynomial_decay": "end", "cosine_decay": "floor"}
FACTORS: dict[str, dict[str, tuple[float, ...]]] = {
    "step_decay": {"factor": (1.5, -0.5)},
    "exponential_decay": {"decay_rate": (1.5, -0.5)},
    "inverse_time_decay": {"decay_rate": (-0.5,)},
    "polynomial_decay": {"power": (-1.0,)},
}


@clause("decay.ends")
def test_ends(operation: str) -> Iterator[ErrorCase]:
    wrong = {ABOVE[operation]: 2.0}  # as a share of the initial rate it is above it, too
    yield refused(operation, (STEPS,), GIVEN[operation], wrong)


@clause("decay.factors")
def test_factors(operation: str) -> Iterator[ErrorCase]:
    for name, values in FACTORS[operation].items():
        for value in values:
            yield refused(operation, arrays(operation), GIVEN[operation], {name: value})
