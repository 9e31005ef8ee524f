"""The duty of what is kept: a call leaves its arguments, and what earlier calls returned, as they are.

A stepper may update its parameters in place; what is handed to its steps it leaves as it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nnspec_conformance.answers import in_full, same, slopes, value
from nnspec_conformance.cases import Case, clause, steps
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.home import Home
from nnspec_conformance.trees import leaves
from nnspec_conformance.trial import Trial


@clause("duty.kept")
def test_kept(operation: str, readings: dict, lean: bool, trial: Trial) -> None:
    home = Home(own_spec().operations[operation], readings)
    full = in_full(trial, lean)
    stepped = home.operation.form == "stepper"
    for dtype in trial.dtypes if full else trial.dtypes[:1]:
        (gradients_are_kept if stepped else everything_is_kept)(trial, home, dtype)
    if stepped or not full:
        return
    if home.optional:
        everything_is_kept(trial, replace(home, complete=True), trial.dtypes[0])
    for other in home.with_each([a.name for a in home.operation.attributes if not a.readings]):
        with trial.part(**{k: v for k, v in other.attributes.items() if home.attributes.get(k) != v}):
            everything_is_kept(trial, other, trial.dtypes[0], may_refuse="another keyword")


def everything_is_kept(trial: Trial, home: Home, dtype: str, *, may_refuse: str = "") -> None:
    """Every array is kept, by the call and by its gradient; whether a keyword is known other clauses ask."""
    word = {"may_refuse": may_refuse}
    (arrays, cotangents), (others, further) = (
        (home.arrays(dtype, seed=seed), home.cotangents(dtype, seed=seed)) for seed in (0, 1)
    )
    with trial.part():
        is_kept(trial, value(home, arrays, **word), value(home, others, **word), "call")
    if home.has_gradient:
        with trial.part():
            first = slopes(home, arrays, cotangents, **word)
            is_kept(trial, first, slopes(home, others, further, **word), "gradient")


def is_kept(trial: Trial, first: Case, second: Case, what: str) -> None:
    """The arguments after a call, and its result after the next one of the same shape."""
    answer = trial.ask(first)
    result = trial.result()
    unchanged(trial, first, f"after the {what}")
    trial.ask(second)
    unchanged(trial, second, f"after another {what}")
    trial.expect(result(), same(answer), f"{first.operation}: the result of a {what}, after another {what}")


def unchanged(trial: Trial, case: Case, when: str) -> None:
    """Compare the arrays of the last call with what was handed over."""
    handed: list[Any] = leaves(case.arrays) + leaves(case.cotangents)
    names = [f"argument {i}" for i in range(len(leaves(case.arrays)))]
    names += ["the cotangents"] * (len(handed) - len(names))
    for name, after, before in zip(names, trial.handed(), handed, strict=True):
        trial.expect(after, same(before), f"{case.operation}: {name} {when}")


# ---- steppers


def gradients_are_kept(trial: Trial, home: Home, dtype: str) -> None:
    """What three steps are handed, looked at after the step itself and after the next one."""
    (params,), grads = home.arrays(dtype), home.steps(dtype)
    with trial.part(), trial.watched():
        path = trial.ask(steps(home.operation.name, params, grads=grads, want=None, **home.attributes))
        trial.require(len(path) == len(grads), f"{home.operation.name}: {len(path)} answers to {len(grads)} steps")
