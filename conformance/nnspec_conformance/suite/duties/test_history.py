"""The duty of history: what was asked before, and in which order, is nothing to an answer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance.answers import at, held, in_full, name_of, pairs, replaced, same, slopes, value
from nnspec_conformance.cases import Case, clause, steps
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.errors import ClauseFailed, HarnessError, NotImplementedBySubject, Refused
from nnspec_conformance.home import Home
from nnspec_conformance.operations import Array, Place
from nnspec_conformance.trial import Trial

NEVER_READ = {("unused_parameter", "unused")}  # says its own clause
SHORT, LONG = (2,), (7,)  # leading axes of other shapes


@clause("duty.history")
def test_history(operation: str, readings: dict, lean: bool, trial: Trial) -> None:
    home = Home(own_spec().operations[operation], readings)
    for dtype in trial.dtypes if in_full(trial, lean) else trial.dtypes[:1]:
        with trial.part():
            if home.operation.form == "stepper":
                steppers_are_apart(trial, home, dtype)
            else:
                answers_stay(trial, home, dtype, lean)


def answers_stay(trial: Trial, home: Home, dtype: str, lean: bool) -> None:
    """The same call, and its gradient, after every other thing that may be asked."""
    arrays, cotangents = home.arrays(dtype), home.cotangents(dtype)
    asked = {"the call": value(home, arrays)}
    if home.is_differentiable:
        asked["the gradient"] = slopes(home, arrays, cotangents)
    first = {}
    for what, case in asked.items():
        with trial.part():
            first[what] = trial.ask(case)
    for before, ask in between(trial, home, dtype, lean):
        ask()
        for what in reversed(first):
            about = f"{asked[what].describe(trial.setting.told)}: {what} again, {before}"
            trial.expect(trial.ask(asked[what]), same(first[what]), about)
    for place, others in other_arguments(home, dtype):
        answer = trial.ask(value(home, others))
        moves = any((np.asarray(a) != np.asarray(b)).any() for a, b in pairs(first["the call"], answer))
        name = name_of(home, place)
        trial.require(moves, f"{name} was replaced by another array of the same shape, and the answer is the old one")
    trial.expect(trial.ask(asked["the call"]), same(first["the call"]), f"{home.operation.name}: again, at the end")


def between(trial: Trial, home: Home, dtype: str, lean: bool) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What is asked between two equal questions, in words and as something to do."""
    others, further = home.arrays(dtype, seed=1), home.cotangents(dtype, seed=1)

    def tried(*cases: Case) -> Callable[[], None]:
        def ask() -> None:
            for case in cases:
                with contextlib.suppress(ClauseFailed, HarnessError, NotImplementedBySubject, Refused):
                    trial.ask(case)  # refused or not: what follows must be the same

        return ask

    yield "asked twice", tried()
    yield "after a call with other numbers", tried(value(home, others))
    if home.is_differentiable:
        yield "after a gradient with other numbers", tried(slopes(home, others, further))
    wrong = value(home, home.arrays(dtype)[:-1]) if others else value(home, (np.ones(3, np.float32),))
    yield "after a call that is refused", tried(wrong)
    for leading in () if lean or not home.stars else (SHORT, LONG):
        other = replace(home, leading=leading)
        cases = [value(other, other.arrays(dtype))]
        if home.is_differentiable:
            cases.append(slopes(other, other.arrays(dtype), other.cotangents(dtype)))
        yield f"after {leading[0]} examples", tried(*cases)


def other_arguments(home: Home, dtype: str) -> Iterator[tuple[Place, tuple]]:
    """The arrays of the call with one of them replaced, its first and last entry kept."""
    arrays, others = home.arrays(dtype), home.arrays(dtype, seed=1)
    for place, array in held(home, arrays).items():
        if (home.operation.name, name_of(home, place)) not in NEVER_READ:
            new = with_the_ends_of(at(arrays, place), at(others, place), array)
            if (new != at(arrays, place)).any():
                yield place, replaced(arrays, {place: new})


def with_the_ends_of(x: np.ndarray, other: np.ndarray, array: Array) -> np.ndarray:
    """Another array, of other signs where it may; its ends are those of the first one unless it has few entries."""
    if array.dtype == "float" and array.interval is None and not array.values and not array.normalized:
        other = np.asarray(-0.75 * x.astype(np.float64)).astype(x.dtype)  # clipped numbers keep their sign
    if x.size < 3 or array.normalized:
        return other
    found = np.array(other)
    found.flat[0], found.flat[-1] = x.flat[0], x.flat[-1]
    return found


def steppers_are_apart(trial: Trial, home: Home, dtype: str) -> None:
    """The same steps again, and beside another stepper, of which each goes as if it were alone."""
    (params,), grads = home.arrays(dtype), home.steps(dtype)
    (others,), further = home.arrays(dtype, seed=1), home.steps(dtype, seed=1)

    def alone(start: dict, given: list) -> list[dict]:
        case = steps(home.operation.name, start, grads=given, want=None, **home.attributes)
        return trial.ask(case)

    def in_turn(start: Callable) -> tuple:
        one, two = start(params), start(others)
        return tuple((one.step(g), two.step(h)) for g, h in zip(grads, further, strict=True))

    path, beside = alone(params, grads), alone(others, further)
    about = f"{home.operation.name}: the steps"
    trial.expect(alone(params, grads), same(path), f"{about} again, after those of another")
    together = trial.steppers(params, in_turn, **home.attributes)
    trial.expect([one for one, _ in together], same(path), f"{about}, taken in turn with those of another")
    trial.expect([two for _, two in together], same(beside), f"{about} of the second of two, taken in turn")
