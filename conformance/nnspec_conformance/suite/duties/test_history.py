"""The duty of history: what was asked before, and in which order, is nothing to an answer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance.answers import at, flowing, held, in_full, longer, name_of, pairs, replaced, same, slopes, value
from nnspec_conformance.cases import Case, clause, steps
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.dtypes import DTYPES, is_float
from nnspec_conformance.elsewhere import ask_elsewhere
from nnspec_conformance.errors import ClauseFailed, HarnessError, NotImplementedBySubject, Refused
from nnspec_conformance.home import SEEDED, Home
from nnspec_conformance.operations import Array, Place, Table
from nnspec_conformance.refusals import UNKNOWN, valid
from nnspec_conformance.sizes import Axes, is_possible, one_long_axis
from nnspec_conformance.trees import leaves, mapped
from nnspec_conformance.trial import Trial

NEVER_READ = {("unused_parameter", "unused")}  # says its own clause
SHORT, LONG = (2,), (7,)  # leading axes of other shapes
OTHER_SHAPE = (2, 5), 16  # of a draw: its window and its other axes
DRAWS = 40
SHARE = 1 / 64  # of the largest slope: more than the rounding of a dtype, and less than another array does
MANY = 129  # terms of a sum: of so few that their order shows in float32


@clause("duty.history")
def test_history(operation: str, readings: dict, lean: bool, trial: Trial) -> None:
    home = Home(own_spec().operations[operation], readings)
    if home.operation.form == "random":
        draws_stay(trial, home)
        if trial.subject.slow:
            with trial.part():
                draws_elsewhere(trial, home)
        return
    full = in_full(trial, lean)
    for number, dtype in enumerate(trial.dtypes if full else trial.dtypes[:1]):
        with trial.part():
            if home.operation.form == "stepper":
                steppers_are_apart(trial, home, dtype)
                others_come_between(trial, home, dtype, lean=lean)
            else:
                answers_stay(trial, home, dtype, lean or number > 0)
    if home.operation.form == "stepper":
        return
    for size in one_long_axis(home, MANY) if full else ():
        with trial.part():
            answers_repeat(trial, replace(home, sizes=size.lengths), trial.dtypes[0])
    if trial.subject.slow:
        with trial.part():
            answers_elsewhere(trial, home, trial.dtypes[0])


# ---- calls


def questions(home: Home, dtype: str, seed: int = 0) -> dict[str, Case]:
    """The call and, where it has one, its gradient."""
    arrays = home.arrays(dtype, seed=seed)
    asked = {"the call": value(home, arrays)}
    if home.has_gradient:
        asked["the gradient"] = slopes(home, arrays, home.cotangents(dtype, seed=seed))
    return asked


def answered(trial: Trial, home: Home, case: Case) -> Any:
    """The answer; of gradients those for the arrays that are declared with one."""
    answer = trial.ask(case)
    return tuple(flowing(home, case.arrays, answer).values()) if case.what == "gradient" else answer


def answers_stay(trial: Trial, home: Home, dtype: str, lean: bool) -> None:
    """The same call, and its gradient, after every other thing that may be asked."""
    asked, first = questions(home, dtype), {}
    told = {what: case.describe(trial.setting.told) for what, case in asked.items()}
    for what, case in asked.items():
        with trial.part():
            first[what] = answered(trial, home, case)
    for before, ask in between(trial, home, dtype, lean):
        ask()
        for what in reversed(first):
            again = answered(trial, home, asked[what])
            trial.expect(again, same(first[what]), f"{told[what]}: {what} again, {before}")
    for place, new in other_arguments(home, dtype):
        answer = trial.ask(value(home, new))
        moves = differ(first["the call"], answer)
        name = name_of(home, place)
        trial.require(moves, f"{name} was replaced by another array of the same shape, and the answer is the old one")
    for what in first:
        with trial.part():
            arrays_that_change(trial, home, *(questions(home, dtype, seed)[what] for seed in (0, 1)))
    trial.expect(trial.ask(asked["the call"]), same(first["the call"]), f"{home.operation.name}: again, at the end")
    if "the gradient" in first and dtype == trial.dtypes[0] and home.operation.form not in SEEDED:
        with trial.part():
            gradients_follow(trial, home, dtype, first["the gradient"], lean=lean)


def gradients_follow(trial: Trial, home: Home, dtype: str, first: tuple, *, lean: bool) -> None:
    """The gradient where one array, or the cotangents, are replaced: in another dtype it tells whether it must move.

    What is drawn is another draw there.
    """
    arrays, cotangents = home.arrays(dtype), home.cotangents(dtype)
    other = next((name for name in ("float64", "float32") if name != dtype and name in trial.dtypes), None)
    asked = {name_of(home, place): (new, cotangents) for place, new in other_arguments(home, dtype)}
    if lean:  # other integers are another program
        asked = {name: both for name, both in asked.items() if name in names_of_floats(home, arrays)}
    for name, both in ({"the array of cotangents": (arrays, with_other_signs(cotangents))} | asked).items():
        there = mapped(lambda x: x.astype(DTYPES[other]) if is_float(x) else x, both) if other else both
        if other and are_far(first, answered(trial, home, slopes(home, *there))):
            told = f"{name} was replaced by another array of the same shape, and the gradient is the old one"
            trial.require(differ(first, answered(trial, home, slopes(home, *both))), told)


def names_of_floats(home: Home, arrays: tuple) -> set[str]:
    """The arrays of numbers of a call."""
    return {name_of(home, place) for place in held(home, arrays) if is_float(at(arrays, place))}


def are_far(first: Any, second: Any) -> bool:
    """Whether two answers differ by more than rounding does."""
    both = [(a.astype(np.float64), b.astype(np.float64)) for a, b in pairs(first, second)]
    largest = max((np.abs(a).max(initial=0) for a, _ in both), default=0)
    return any((np.abs(a - b) > SHARE * largest).any() for a, b in both)


def differ(first: Any, second: Any) -> bool:
    """Whether some number of two answers is another one."""
    return any((np.asarray(a) != np.asarray(b)).any() for a, b in pairs(first, second))


def between(trial: Trial, home: Home, dtype: str, lean: bool) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What is asked between two equal questions, in words and as something to do."""
    others, further = home.arrays(dtype, seed=1), home.cotangents(dtype, seed=1)

    def later(*cases: Case) -> Callable[[], None]:
        return lambda: tried(trial, *cases)

    yield "asked twice", later()
    yield "after a call with other numbers", later(value(home, others))
    if home.has_gradient:
        yield "after a gradient with other numbers", later(slopes(home, others, further))
    wrong = value(home, home.arrays(dtype)[:-1]) if others else value(home, (np.ones(3, np.float32),))
    yield "after a call that is refused", later(wrong)
    if home.has_gradient:
        yield "after a gradient that is refused", later(slopes(home, others[:-1], further))
    if lean:
        return
    for words, other in in_other_shapes(home):
        yield f"after {words}", later(*questions(other, dtype).values())
    for other in home.with_each([a.name for a in home.operation.attributes if not a.readings]):
        words = " and ".join(f"{k}={v}" for k, v in other.attributes.items() if home.attributes.get(k) != v)
        yield f"after a call with {words}", later(*questions(other, dtype).values())


def in_other_shapes(home: Home) -> Iterator[tuple[str, Home]]:
    """The question with fewer and with more examples; where these lie along one axis, with the first axis longer."""
    if home.stars:
        yield from ((f"{leading[0]} examples", replace(home, leading=leading)) for leading in (SHORT, LONG))
        return
    for name in Axes.of(home).words:
        longer = {name: 2 * home.lengths[name]}
        if is_possible(home, longer):
            yield f"an axis '{name}' twice as long", replace(home, sizes=longer)
            return


def tried(trial: Trial, *cases: Case) -> None:
    """Ask questions for their traces: refused or not, what follows must be the same."""
    for case in cases:
        with contextlib.suppress(ClauseFailed, HarnessError, NotImplementedBySubject, Refused):
            trial.ask(case)


def other_arguments(home: Home, dtype: str) -> Iterator[tuple[Place, tuple]]:
    """The arrays of the call with one of them replaced, its first and last entry kept."""
    arrays = home.arrays(dtype)
    for place, array in held(home, arrays).items():
        if (home.operation.name, name_of(home, place)) in NEVER_READ:
            continue
        x = at(arrays, place)
        for seed in range(1, DRAWS):  # few integers are soon the same again, or the same in another order
            new = with_the_ends_of(x, at(home.arrays(dtype, seed=seed), place), array, home)
            if (np.sort(new, None) != np.sort(x, None)).any():
                yield place, replaced(arrays, {place: new})
                break


def with_other_signs(cotangents: Any) -> Any:
    """Cotangents of other signs, but for the ends of each array; short ones stay as they are beside longer ones."""
    is_long = any(x.size > 2 for x in leaves(cotangents))

    def changed(x: np.ndarray) -> np.ndarray:
        if is_long and x.size <= 2:
            return x
        found = np.asarray(-0.75 * x.astype(np.float64)).astype(x.dtype)
        if x.size > 2:
            found.flat[0], found.flat[-1] = x.flat[0], x.flat[-1]
        return found

    return mapped(changed, cotangents)


def with_the_ends_of(x: np.ndarray, other: np.ndarray, array: Array, home: Home) -> np.ndarray:
    """An array of other signs where it may have them; its ends are the first one's unless it has few entries."""
    if array.dtype == "float" and array.interval is None and not array.values and not array.normalized:
        other = np.asarray(-0.75 * x.astype(np.float64)).astype(x.dtype)  # clipped numbers keep their sign
    found = np.array(other)
    if array.dtype == "integer" and array.interval is not None:  # drawn from the start of the range: here from its end
        among = list(array.interval.integers({**home.operation.defaults(), **home.given, **home.lengths}, MANY))
        found = among[0] + among[-1] - found
    if array.normalized:
        if array.named_axes(home.lengths)[0][1] != array.normalized and len(x) > 2:
            found[0], found[-1] = x[0], x[-1]  # whole rows still add up to 1
    elif x.size > 2:
        found.flat[0], found.flat[-1] = x.flat[0], x.flat[-1]
    return found


def arrays_that_change(trial: Trial, home: Home, before: Case, after: Case) -> None:
    """The arrays of a call or of its gradient, into which other numbers are written before it is asked again."""
    if before.arrays:
        want = same(answered(trial, home, after))
        trial.ask(before)
        got = trial.ask_in_place(after)
        if after.what == "gradient":
            got = tuple(flowing(home, after.arrays, got).values())
        trial.expect(got, want, f"{after.describe(trial.setting.told)}: the arrays of the last call, changed in place")


def answers_repeat(trial: Trial, home: Home, dtype: str) -> None:
    """Sums of many terms, added up in the same order every time."""
    for what, case in questions(home, dtype).items():
        with trial.part():
            about = f"{case.describe(trial.setting.told)}: {what} again, with an axis of {MANY}"
            first = trial.ask(replace(case, may_refuse=f"an axis of {MANY}"))
            for _ in range(2):
                trial.expect(trial.ask(case), same(first), about)


def answers_elsewhere(trial: Trial, home: Home, dtype: str) -> None:
    """A process that was asked nothing else."""
    asked, here = questions(home, dtype), {}
    for what, case in asked.items():
        with contextlib.suppress(NotImplementedBySubject):
            here[what] = trial.ask(case)
    there = ask_elsewhere(trial.subject, [asked[what] for what in reversed(here)], trial.setting.told)
    for (what, one), other in zip(here.items(), reversed(there), strict=True):
        trial.expect(one, same(other), f"{home.operation.name}: {what}, as in a fresh process")


# ---- draws


def draws_stay(trial: Trial, home: Home) -> None:
    """The same draw again, after others: of another seed, in another shape, with other keywords, and a refused one."""
    asked = valid(home)
    others = {"asked twice": [], "after another seed": [with_keyword(asked, "seed", 1)]}
    others["after another shape"] = [replace(asked, arrays=(home.shape(*OTHER_SHAPE),))]
    others["after a call that is refused"] = [with_keyword(asked, UNKNOWN, 1.0)]
    names = [a.name for a in home.operation.attributes if not a.readings]
    others["after calls with other keywords"] = [valid(other) for other in home.with_each(names)]
    first, told = trial.ask(asked), asked.describe(trial.setting.told)
    for before, cases in others.items():
        tried(trial, *cases)
        trial.expect(trial.ask(asked), same(first), f"{told}: again, {before}")


def draws_elsewhere(trial: Trial, home: Home) -> None:
    """A process in which nothing was drawn before."""
    asked = valid(home)
    (there,) = ask_elsewhere(trial.subject, [asked], trial.setting.told)
    trial.expect(trial.ask(asked), same(there), f"{home.operation.name}: as in a fresh process")


def with_keyword(case: Case, name: str, value: Any) -> Case:
    """A question with one keyword more, or another value of it."""
    return replace(case, attributes=case.attributes | {name: value})


# ---- steppers


def steppers_are_apart(trial: Trial, home: Home, dtype: str) -> None:
    """The same steps again, and in turn with another stepper, of which each goes as if it were alone."""
    (params,), grads = home.arrays(dtype), home.steps(dtype)
    (others,), further = home.arrays(dtype, seed=1), home.steps(dtype, seed=1)
    rates: list[float | None] = [None] * len(grads)
    if any(attribute.each_step for attribute in home.operation.attributes):
        rates[1] = 2 * home.attributes["learning_rate"]  # stays in force, for the first of the two

    def alone(start: dict, given: list, told: list) -> list[dict]:
        return trial.ask(steps(home.operation.name, start, grads=given, rates=told, want=None, **home.attributes))

    def in_turn(start: Callable) -> tuple:
        one, two = start(params), start(others)
        return tuple((one.step(g, r), two.step(h)) for g, r, h in zip(grads, rates, further, strict=True))

    path, beside = alone(params, grads, rates), alone(others, further, [None] * len(grads))
    about = f"{home.operation.name}: the steps"
    trial.expect(alone(params, grads, rates), same(path), f"{about} again, after those of another")
    together = trial.steppers(params, in_turn, **home.attributes)
    trial.expect([one for one, _ in together], same(path), f"{about}, taken in turn with those of another")
    trial.expect([two for _, two in together], same(beside), f"{about} of the second of two, taken in turn")


def others_come_between(trial: Trial, home: Home, dtype: str, *, lean: bool) -> None:
    """The same steps, while another stepper refuses one, and while one of other shapes steps."""
    (params,), grads = home.arrays(dtype), home.steps(dtype)
    first, *_ = grads[0]
    wrong = grads[1] | {first: longer(grads[1][first])}

    def is_refused(start: Callable) -> None:
        with contextlib.suppress(Exception):  # whether it has to be refused other duties ask
            start(params).step(wrong)

    def has_other_shapes(start: Callable) -> None:
        (others,), given = other_shapes(home, dtype)
        one = start(others)
        for step in given:
            one.step(step)

    def path(between: Callable[[Callable], None]) -> Any:
        def play(start: Callable) -> tuple:
            one = start(params)
            now = one.step(grads[0])
            between(start)
            return (now, *(one.step(g) for g in grads[1:]))

        return trial.steppers(params, play, **home.attributes)

    alone = path(lambda start: None)
    asked = {"another that refuses a step": is_refused}
    if not lean:
        asked["one of other shapes"] = has_other_shapes
    for words, between in asked.items():
        trial.expect(path(between), same(alone), f"{home.operation.name}: the steps, with those of {words} between")


def other_shapes(home: Home, dtype: str) -> tuple[tuple, list[dict]]:
    """The parameters of another stepper, and what its steps are handed."""
    if any(isinstance(argument, Table) and argument.any for argument in home.operation.arguments):
        return mapped(longer, home.arrays(dtype)), mapped(longer, home.steps(dtype))
    there = replace(home, sizes=one_long_axis(home, LONG[0])[0].lengths)
    return there.arrays(dtype), there.steps(dtype)
