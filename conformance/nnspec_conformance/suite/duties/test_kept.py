"""The duty of what is kept: a call leaves its arguments, and what earlier calls returned, as they are."""

from __future__ import annotations

from typing import Any

from nnspec_conformance.answers import in_full, same, slopes, value
from nnspec_conformance.cases import Case, clause
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.home import Home
from nnspec_conformance.trees import leaves
from nnspec_conformance.trial import Trial


@clause("duty.kept")
def test_kept(operation: str, readings: dict, lean: bool, trial: Trial) -> None:
    home = Home(own_spec().operations[operation], readings)
    for dtype in trial.dtypes if in_full(trial, lean) else trial.dtypes[:1]:
        (arrays, cotangents), (others, further) = (
            (home.arrays(dtype, seed=s), home.cotangents(dtype, seed=s)) for s in (0, 1)
        )
        with trial.part():
            is_kept(trial, value(home, arrays), value(home, others), "call")
        if home.is_differentiable:
            with trial.part():
                is_kept(trial, slopes(home, arrays, cotangents), slopes(home, others, further), "gradient")


def is_kept(trial: Trial, first: Case, second: Case, what: str) -> None:
    """The arguments after a call, and its result after the next one of the same shape."""
    answer = trial.ask(first)
    result = trial.result()
    unchanged(trial, first, f"after the {what}")
    trial.ask(second)
    unchanged(trial, second, f"after another {what}")
    trial.expect(result(), same(answer), f"{first.operation}: the result of a {what}, after another {what}")


def unchanged(trial: Trial, case: Case, when: str) -> None:
    handed: list[Any] = leaves(case.arrays) + leaves(case.cotangents)
    names = [f"argument {i}" for i in range(len(leaves(case.arrays)))]
    names += ["the cotangents"] * (len(handed) - len(names))
    for name, after, before in zip(names, trial.handed(), handed, strict=True):
        trial.expect(after, same(before), f"{case.operation}: {name} {when}")
