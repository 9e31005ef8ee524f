"""Tests of training/schedules/warmup: the rate of every step, the seams of the pieces, and far steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause
from nnspec_conformance.oracles.training.schedules import warmup as oracle
from nnspec_conformance.suite.training.schedules._rates import AXES, NEAR, U, bounded, filled, printed, refused
from nnspec_conformance.tolerance import Want, carried
from nnspec_conformance.trial import Trial

STEPS = filled(np.arange(24))
GIVEN: dict[str, dict[str, Any]] = {
    "warmup_cosine": {"start": 0.125, "peak": 0.75, "warmup_steps": 5, "decay_steps": 12, "floor": 0.25},
    "warmup_stable_decay": {
        "start": 0.125, "peak": 0.75, "warmup_steps": 5, "stable_steps": 4, "decay_steps": 11, "end": 0.25,
    },
    "inverse_root_warmup": {"peak": 0.75, "warmup_steps": 6},
    "cosine_restarts": {"initial": 0.75, "period": 3, "multiplier": 2, "floor": 0.125},
    "one_cycle": {"peak": 0.75, "rise_steps": 9, "length": 24, "start_divisor": 5.0, "end_divisor": 3.0},
}  # fmt: skip
# The page's example: what is told, and the rates of the steps 0 to 5.
EXAMPLE: dict[str, tuple[dict[str, Any], list[float]]] = {
    "warmup_cosine": (
        {"start": 0.2, "peak": 0.8, "warmup_steps": 2, "decay_steps": 4, "floor": 0.0},
        [0.2, 0.5, 0.8, 0.6828, 0.4, 0.1172],
    ),
    "warmup_stable_decay": (
        {"start": 0.2, "peak": 0.8, "warmup_steps": 2, "stable_steps": 1, "decay_steps": 2, "end": 0.2},
        [0.2, 0.5, 0.8, 0.8, 0.5, 0.2],
    ),
    "inverse_root_warmup": ({"peak": 0.8, "warmup_steps": 4}, [0.2, 0.4, 0.6, 0.8, 0.7155, 0.6532]),
    "cosine_restarts": (
        {"initial": 0.8, "period": 2, "multiplier": 2, "floor": 0.0}, [0.8, 0.4, 0.8, 0.6828, 0.4, 0.1172],
    ),
    "one_cycle": (
        {"peak": 0.8, "rise_steps": 2, "length": 6, "start_divisor": 4.0, "end_divisor": 2.0},
        [0.2, 0.5, 0.8, 0.6975, 0.45, 0.2025],
    ),
}  # fmt: skip
# The same of a reading that moves them.
MOVED = {
    "next": [0.5, 0.8, 0.8, 0.5, 0.2, 0.2],
    "zero": [0.0, 0.2, 0.4, 0.6, 0.8, 0.7155],
    "before": [0.2, 0.8, 0.6975, 0.45, 0.2025, 0.1],
}
KEYWORDS = ("decay_is", "floor_is", "after_end", "count", "counts_from", "ends")
TURNS = {"warmup_cosine": "decay_steps", "cosine_restarts": "period"}  # the length of half a turn of the cosine


def right(operation: str, readings: dict) -> Callable[..., np.ndarray]:
    told = {name: readings[name] for name in KEYWORDS if name in readings}

    def value(steps: np.ndarray, **given: Any) -> np.ndarray:
        return getattr(oracle, operation)(steps, **told | given, dtype="float64")

    return value


def rate(operation: str, readings: dict) -> Callable[..., Want]:
    """The rate in float32, with the rounding of the step, of an angle, and of sums of rates."""

    def want(steps: np.ndarray, **given: Any) -> Want:
        value = right(operation, readings)(steps, **given)
        if operation == "inverse_root_warmup":
            return carried(value, 8 * U * np.abs(value), "float32")
        top = given.get("peak", given.get("initial", 0.0)) * (1 + given.get("floor", 0.0))
        angle = 4.0
        if readings.get("after_end") == "rises" and operation in TURNS:
            angle = 4.0 + np.pi * np.asarray(steps, np.float64) / given["decay_steps"]
        return carried(value, 4 * U * (1 + angle) * np.full(np.shape(steps), 2 * top), "float32")

    return want


def asked(operation: str, readings: dict, note: str, steps: np.ndarray = STEPS, **given: Any) -> Case:
    return call(operation, steps, **GIVEN[operation] | given, want=rate(operation, readings), note=note)


@clause("warm-up.example")
def test_example(operation: str, readings: dict) -> Iterator[Case]:
    given, rates = EXAMPLE[operation]
    moved = next((word for word in readings.values() if word in MOVED), None)
    if readings.get("decay_is") == "whole":
        given = given | {"decay_steps": 6}
    want = printed(MOVED[moved] if moved else rates)
    yield call(operation, filled(np.arange(6)), **given, want=want, note="one step off")


@clause("warmup-cosine.value")
def test_warmup_cosine(readings: dict) -> Iterator[Case]:
    steps = filled(np.arange(13))  # up to the end of the decay that holds the warm-up
    yield asked("warmup_cosine", readings, "the seam, and each piece", steps)
    yield asked("warmup_cosine", readings, "from nothing", steps, start=0.0, floor=0.0)
    yield asked("warmup_cosine", readings, "no warm-up", steps, warmup_steps=0)
    yield asked("warmup_cosine", readings, "steps with axes", steps.reshape(AXES), warmup_steps=1)


@clause("warmup-cosine.decay-is")
def test_decay_is(readings: dict) -> Iterator[Case]:
    for length in (12, 6):
        last = length if readings.get("decay_is") == "whole" else 5 + length
        steps = filled(np.arange(last + 1))
        yield asked("warmup_cosine", readings, "an end off by the warm-up", steps, decay_steps=length)


@clause("warmup-cosine.floor-is")
def test_warmup_floor(readings: dict) -> Iterator[Case]:
    for floor in (0.25, 0.0):
        yield asked("warmup_cosine", readings, "a floor of the other kind", filled(np.arange(13)), floor=floor)


@clause("warmup-cosine.after-end")
def test_warmup_after_end(readings: dict) -> Iterator[Case]:
    for steps in (NEAR, NEAR + 14):
        yield asked("warmup_cosine", readings, "the other way after the end", steps)


@clause("warmup-stable-decay.value")
def test_warmup_stable_decay(readings: dict) -> Iterator[Case]:
    operation = "warmup_stable_decay"
    yield asked(operation, readings, "two seams, and each piece")
    yield asked(operation, readings, "from nothing to nothing", start=0.0, end=0.0)
    yield asked(operation, readings, "no flat top", stable_steps=0)
    yield asked(operation, readings, "no warm-up", warmup_steps=0)
    yield asked(operation, readings, "steps with axes", STEPS.reshape(AXES), warmup_steps=2, decay_steps=3)


@clause("warmup-stable-decay.count")
def test_count(readings: dict) -> Iterator[Case]:
    for start in (0.125, 0.0):
        yield asked("warmup_stable_decay", readings, "a step early or late", start=start)


@clause("inverse-root-warmup.value")
def test_inverse_root(readings: dict) -> Iterator[Case]:
    for steps in (1, 6, 23):
        yield asked("inverse_root_warmup", readings, "another power of the step", warmup_steps=steps)
    far = filled([4_000, 99_999, 1_000_000, 3_999])
    yield asked("inverse_root_warmup", readings, "far steps", far, warmup_steps=4_000)
    yield asked("inverse_root_warmup", readings, "steps with axes", STEPS.reshape(AXES))


@clause("inverse-root-warmup.counts-from")
def test_counts_from(readings: dict) -> Iterator[Case]:
    yield asked("inverse_root_warmup", readings, "a step early or late", warmup_steps=3)


@clause("cosine-restarts.value")
def test_restarts(readings: dict) -> Iterator[Case]:
    for multiplier in (1, 2, 3):
        yield asked("cosine_restarts", readings, "where cycles begin", multiplier=multiplier)
    yield asked("cosine_restarts", readings, "each cycle half as high", shrink=0.5)
    yield asked("cosine_restarts", readings, "cycles of one step", period=1, multiplier=1)
    yield asked("cosine_restarts", readings, "steps with axes", STEPS.reshape(AXES), period=5)


@clause("cosine-restarts.large-steps")
def test_large_steps(readings: dict) -> Iterator[Case]:
    """Steps of the second cycle, where all are of one length, else of the third one and of the last one in reach."""
    for period, multiplier, begins in (
        (2**24 + 1, 1, 2**24 + 1), (2**24 + 1, 2, 3 * (2**24 + 1)), (1_000_003, 2, 1_000_003 * 2047)
    ):  # fmt: skip
        steps = filled(np.arange(begins - 2, begins + 2))
        note = "a cycle early or late"
        yield asked("cosine_restarts", readings, note, steps, period=period, multiplier=multiplier)


@clause("cosine-restarts.floor-is")
def test_restarts_floor(readings: dict) -> Iterator[Case]:
    for floor in (0.25, 0.0):
        yield asked("cosine_restarts", readings, "a floor of the other kind", floor=floor)


@clause("one-cycle.value")
def test_one_cycle(readings: dict) -> Iterator[Case]:
    for phases in ("two", "three"):
        for anneal in ("cosine", "linear"):
            yield asked("one_cycle", readings, "where each piece ends", phases=phases, anneal=anneal)
    yield asked("one_cycle", readings, "other ends", start_divisor=25.0, end_divisor=1.0)
    yield asked("one_cycle", readings, "ends that are the peak", start_divisor=1.0, rise_steps=2)
    yield asked("one_cycle", readings, "steps with axes", STEPS.reshape(AXES))


@clause("one-cycle.peak-step")
def test_peak_step(readings: dict) -> Iterator[Case]:
    for rise in (28, 29, 57, 58):
        steps = filled(np.arange(rise - 2, rise + 3))
        yield asked("one_cycle", readings, "a peak one step early", steps, rise_steps=rise, length=100)


@clause("one-cycle.ends")
def test_ends(readings: dict) -> Iterator[Case]:
    yield asked("one_cycle", readings, "peak and end a step off", rise_steps=8)


@clause("one-cycle.after")
def test_one_cycle_after(readings: dict) -> Iterator[Case]:
    steps = filled(np.arange(22, 40))
    for anneal in ("cosine", "linear"):
        for phases in ("two", "three"):
            yield asked("one_cycle", readings, "the last piece goes on", steps, anneal=anneal, phases=phases)


SEAMS: dict[str, dict[str, Any]] = {
    "warmup_cosine": {"warmup_steps": 20, "decay_steps": 60, "start": 0.125, "peak": 1.0, "floor": 0.0},
    "warmup_stable_decay": {
        "warmup_steps": 20, "stable_steps": 20, "decay_steps": 30, "start": 0.125, "peak": 1.0, "end": 0.125,
    },
    "inverse_root_warmup": {"warmup_steps": 20, "peak": 1.0},
    "one_cycle": {"rise_steps": 20, "length": 70, "peak": 1.0, "start_divisor": 8.0, "end_divisor": 4.0},
}  # fmt: skip


def steepest(operation: str, given: dict) -> float:
    """How far the rate goes in one step of its steepest piece: along a line, or in the middle of half a cosine."""
    if operation == "one_cycle":
        return np.pi / 2 * given["peak"] / (given["rise_steps"] - 1)
    rise = (given["peak"] - given.get("start", 0.0)) / given["warmup_steps"]
    if operation == "warmup_cosine":  # a decay that holds the warm-up is steeper
        return max(rise, np.pi / 2 * given["peak"] / (given["decay_steps"] - given["warmup_steps"]))
    return rise


@clause("warm-up.seam")
def test_seam(trial: Trial, operation: str) -> None:
    given, steps = SEAMS[operation], np.arange(70, dtype=np.int32)
    parts = [steps[begin : begin + len(NEAR)] for begin in range(0, len(steps), len(NEAR))]
    rates = [np.asarray(trial.call(filled(part), **given), np.float64)[: len(part)] for part in parts]
    found = np.concatenate(rates)
    change = np.abs(np.diff(found))
    at = int(np.argmax(change))
    limit = steepest(operation, given) + 40 * U
    trial.require(
        bool(change[at] <= limit), f"from step {at} to {at + 1} the rate changes by {change[at]}, at most {limit}"
    )
    trial.require(bool(np.ptp(found) > 0.5), f"the rate changes by {np.ptp(found)} in all")


@clause("warm-up.bounds")
def test_bounds(trial: Trial, operation: str, readings: dict) -> None:
    given = GIVEN[operation]
    high = given.get("peak", given.get("initial", 0.0))
    low = given.get("floor", given.get("end", 0.0))
    if readings.get("floor_is") == "fraction":
        low = low * high
    if operation == "one_cycle":
        low = high / given["start_divisor"] / given["end_divisor"]
    bounded(trial, (), given, min(low, given.get("start", low)), high)


# ---- what is refused

FIRST = filled(STEPS[:4])  # steps that each of the schedules has
LENGTHS = {
    "warmup_cosine": "decay_steps", "warmup_stable_decay": "decay_steps", "inverse_root_warmup": "warmup_steps",
    "cosine_restarts": "period", "one_cycle": "length",
}  # fmt: skip


@clause("warm-up.lengths")
def test_lengths(operation: str, readings: dict) -> Iterator[ErrorCase]:
    wrong = [0, -3]
    if operation == "one_cycle":
        wrong = [9, 0]
    if readings.get("decay_is") == "whole":
        wrong = [5, 0]
    for length in wrong:
        yield refused(operation, (FIRST,), GIVEN[operation], {LENGTHS[operation]: length})


@clause("warm-up.negative")
def test_negative(operation: str) -> Iterator[ErrorCase]:
    yield refused(operation, (FIRST,), GIVEN[operation], {"warmup_steps": -1})


ABOVE: dict[str, dict[str, float]] = {
    "warmup_cosine": {"start": 2.0, "floor": 2.0},
    "warmup_stable_decay": {"start": 2.0, "end": 2.0},
    "cosine_restarts": {"floor": 2.0},
    "one_cycle": {"start_divisor": 0.5, "end_divisor": 0.25},
}


@clause("warm-up.ends")
def test_ends_above(operation: str) -> Iterator[ErrorCase]:
    for name, value in ABOVE[operation].items():
        yield refused(operation, (FIRST,), GIVEN[operation], {name: value})
