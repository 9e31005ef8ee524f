"""The duty of relations: an operation agrees with the others of the same subject, as its page says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance import relations
from nnspec_conformance.answers import in_full
from nnspec_conformance.asked import own_question
from nnspec_conformance.axes import filled
from nnspec_conformance.cases import Case, clause
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.errors import ClauseFailed, NotAsked
from nnspec_conformance.home import Home
from nnspec_conformance.programs import flattened
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
    own = asked(home.operation.name, arrays, home.attributes, trial.readings)
    values = dict(zip((a.name for a in home.operation.arguments), arrays, strict=False)) | home.attributes
    name, others, keywords = relations.call(text, values)
    readings, told = readings_of(trial, name)
    other = asked(name, others, keywords, readings)

    def made(found: Any, turn: float) -> list[np.ndarray]:
        moved = relations.evaluate(text, values, within(found, other.want, turn))
        return [np.asarray(y, np.float64) for y in flattened(moved)]

    wants = flattened(own.want)
    stated = [made(right(other.want), turn) for turn in (0, 1, -1)]
    if not all(agree(want, *three) for want, *three in zip(wants, *stated, strict=True)):
        raise NotAsked(f"{home.operation.name} and {name} with readings of which one answer follows")
    got, found = trial.ask(own), trial.call(*other.arrays, operation=name, **{**other.attributes, **told})
    if len(flattened(got)) != len(wants):
        raise ClauseFailed(f"{len(flattened(got))} arrays, expected {len(wants)}, for {home.operation.name}")
    came = [made(found, turn) for turn in (0, 1, -1)]
    for y, want, *three in zip(flattened(got), wants, *came, strict=True):
        both = Want(three[0], allowed(want, *three), want.flushed, dtype, "both tolerances")
        trial.expect(y, both, f"{home.operation.name}, beside {text}")


def allowed(want: Want, wanted: np.ndarray, ahead: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """The tolerance of the answer, and what that of the other operation moves."""
    return want.allowed + np.maximum(np.abs(ahead - wanted), np.abs(behind - wanted))


def agree(want: Want, wanted: np.ndarray, ahead: np.ndarray, behind: np.ndarray) -> bool:
    """Whether the expected values of both are the same; with some readings they are not, as with one that clips."""
    if want.value.shape != wanted.shape:
        return False
    with np.errstate(invalid="ignore"):
        off = np.abs(want.value - wanted) <= allowed(want, wanted, ahead, behind)
    return bool((off | (want.value == wanted) | (np.isnan(want.value) & np.isnan(wanted))).all())


def readings_of(trial: Trial, operation: str) -> tuple[dict[str, str], dict[str, str]]:
    """The subject's readings of another operation, and those of them that it must be told.

    Where it has several, it is the one in which this operation is asked, else the first.
    """
    declared = {c.keyword: trial.subject.reading(c, operation) for c in own_spec().governing(operation)}
    chosen, told = dict[str, str](), dict[str, str]()
    for keyword, known in declared.items():
        if isinstance(known, tuple):
            own = trial.readings.get(keyword)
            chosen[keyword] = told[keyword] = own if own in known else known[0]
        else:
            chosen[keyword] = known
    return chosen, told


def asked(operation: str, arrays: tuple, attributes: dict[str, Any], readings: Mapping[str, str]) -> Case:
    """A question with the answer that the operation's own clauses expect."""
    own = own_question(operation, "call", dict(readings))
    if own is None:
        raise NotAsked(f"a clause that states the values of {operation} for any arrays")
    return replace(own, attributes=attributes).on(*arrays)


def right(want: Any) -> Any:
    """The expected values alone."""
    if isinstance(want, dict):
        return {name: right(part) for name, part in want.items()}
    return tuple(map(right, want)) if isinstance(want, tuple | list) else np.asarray(want.value)


def within(answer: Any, want: Any, turn: float) -> Any:
    """An answer in float64, moved by what is allowed of it."""
    if isinstance(answer, dict):
        return {name: within(answer[name], want[name], turn) for name in answer}
    if isinstance(answer, tuple | list):
        return tuple(within(part, one, turn) for part, one in zip(answer, want, strict=True))
    return answer.astype(np.float64) + turn * want.allowed
