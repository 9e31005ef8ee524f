"""The duty of refused steps: a stepper that has refused one goes on as if it had not been asked for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnspec_conformance.answers import longer, same
from nnspec_conformance.cases import clause
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.errors import NotImplementedBySubject
from nnspec_conformance.home import Home
from nnspec_conformance.trial import Trial


@clause("duty.refused-steps")
def test_refused_steps(operation: str, readings: dict, trial: Trial) -> None:
    home = Home(own_spec().operations[operation], readings)
    (params,), grads = home.arrays(trial.dtypes[0]), home.steps(trial.dtypes[0])
    alone, _ = steps_beside(trial, home, params, grads, None)
    refused = []
    for words, wrong in wrong_steps(grads[1]).items():
        path, is_refused = steps_beside(trial, home, params, grads, wrong)
        if is_refused:
            refused.append(words)
            trial.expect(path, same(alone), f"{operation}: the steps, with one of {words} refused between")
    if not refused:  # whether it has to refuse them other duties ask
        raise NotImplementedBySubject(f"refusing a step with {' or '.join(wrong_steps(grads[1]))}")


def steps_beside(trial: Trial, home: Home, params: dict, grads: list[dict], wrong: dict | None) -> tuple[Any, bool]:
    """The parameters after each step, with a wrong one tried behind the first; and whether it was refused."""
    refused = []

    def play(start: Callable) -> tuple:
        one = start(params)
        first = one.step(grads[0])
        try:
            if wrong is not None:
                one.step(wrong)
        except Exception:
            refused.append(wrong)
        return (first, *(one.step(g) for g in grads[1:]))

    return trial.steppers(params, play, **home.attributes), bool(refused)


def wrong_steps(right: dict) -> dict[str, dict]:
    """What a step is handed with its first, or its last array of another shape, or left out."""
    found = {}
    for name in dict.fromkeys((next(iter(right)), next(reversed(right)))):
        found[f"a longer {name}"] = right | {name: longer(right[name])}
        found[f"no {name}"] = {other: x for other, x in right.items() if other != name}
    return found
