"""The duty of relations: an operation agrees with the others of the same subject, as its page says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance import relations
from nnspec_conformance.answers import in_full
from nnspec_conformance.asked import own_question
from nnspec_conformance.axes import filled
from nnspec_conformance.cases import Case, clause
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.errors import NotAsked
from nnspec_conformance.home import Home
from nnspec_conformance.tolerance import Want
from nnspec_conformance.trial import Trial


@clause("duty.relations")
def test_relations(operation: str, readings: dict, lean: bool, trial: Trial) -> None:
    home = Home(own_spec().operations[operation], readings)
    for dtype in trial.dtypes if in_full(trial, lean) else trial.dtypes[:1]:
        for text, keywords in home.operation.equals.items():
            with trial.part():
                agrees(trial, replace(home, keywords=home.attributes | keywords), filled(text, home.lengths), dtype)


def agrees(trial: Trial, home: Home, text: str, dtype: str) -> None:
    """Compare the answer with what the relation makes of another operation's."""
    arrays = home.arrays(dtype)
    own = asked(home.operation.name, arrays, home.attributes)
    values = dict(zip((a.name for a in home.operation.arguments), arrays, strict=False)) | home.attributes
    other = asked(*relations.call(text, values))
    assert isinstance(own.want, Want)
    got, found = trial.ask(own), trial.call(*other.arrays, operation=other.operation, **other.attributes)

    def made(turn: float) -> np.ndarray:
        return np.asarray(relations.evaluate(text, values, within(found, other.want, turn)), np.float64)

    wanted = made(0)
    moved = np.maximum(np.abs(made(1) - wanted), np.abs(made(-1) - wanted))
    allowed = own.want.allowed + moved
    want = Want(wanted, allowed, own.want.flushed, dtype, "both tolerances")
    trial.expect(got, want, f"{home.operation.name}, beside {text}")


def asked(operation: str, arrays: tuple, attributes: dict[str, Any]) -> Case:
    """A question with the answer that the operation's own clauses expect."""
    own = own_question(operation, "call", {})
    if own is None:
        raise NotAsked(f"a clause that states the values of {operation} for any arrays")
    return replace(own, attributes=attributes).on(*arrays)


def within(answer: Any, want: Any, turn: float) -> Any:
    """An answer in float64, moved by what is allowed of it."""
    if isinstance(answer, dict):
        return {name: within(answer[name], want[name], turn) for name in answer}
    return answer.astype(np.float64) + turn * want.allowed
