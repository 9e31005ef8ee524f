"""Questions thinned to a few points, with what some wrong implementations answer: for a checker without Python.

They come from the tests' own generators, in float64, as the oracle's readings have them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case
from nnspec_conformance.clauses import Clause
from nnspec_conformance.dtypes import is_float
from nnspec_conformance.errors import ClauseFailed, HarnessError, NotImplementedBySubject, Refused
from nnspec_conformance.setting import Setting
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import Suite
from nnspec_conformance.tolerance import Want

SCHEMA = "nnspec-points/1"
NUMBERS = 12  # times as many numbers as points, where a question cannot be thinned
CASES = 6  # of one clause
BUGS = 12  # wrong implementations of one operation
NO_ANSWER = (ClauseFailed, Refused, NotImplementedBySubject, HarnessError)


def points(suite: Suite, oracle: Subject, operation: str, most: int) -> dict | None:
    """The questions to one operation and the answers of its wrong implementations; None where there are none.

    Args:
        suite: tests, specification and wrong implementations.
        oracle: the subject whose readings are meant.
        operation: its name.
        most: points of an elementwise operation; of others, questions of at most twelve times as many numbers are kept.
    """
    cases: list[tuple[str, Case, dict]] = []
    for clause in suite.spec.clauses.values():
        if operation in clause.operations and not clause.forms:
            for setting in oracle.settings(suite.spec, clause, operation)[:1]:
                asked = list(_asked(suite, oracle, clause, operation, setting, most))[:CASES]
                cases += [(clause.id, case, setting.told) for case in asked]
    if not cases:
        return None
    written = []
    for clause, case, told in cases:
        written.append({
            "clause": clause,
            "what": case.what,
            "attributes": {name: plain(value) for name, value in (case.attributes | told).items()},
            "arrays": plain(case.arrays),
            "grads": plain(case.grads),
            "rates": plain(case.rates),
            "right": _values(case.want, "value"),
            "allowed": _values(case.want, "allowed"),
        })  # fmt: skip
    return {"cases": written, "bugs": list(_bugs(suite, operation, cases))}


def _asked(
    suite: Suite, oracle: Subject, clause: Clause, operation: str, setting: Setting, most: int
) -> Iterator[Case]:
    given = {"operation": operation, "readings": setting.readings, "default": setting.default}
    given |= {"lean": True, "slow": False, "layouts": oracle.layouts, "subnormals": setting.subnormals}
    for test in suite.tests.get(clause.id, []):
        if "trial" in test.wants:
            continue
        for case in test.function(**{name: given[name] for name in test.wants if name in given}):
            if not isinstance(case, Case) or case.operation != operation or case.layout or callable(case.grads):
                continue
            if case.what not in ("call", "trajectory") or case.dtype not in ("float64", None):
                continue
            small = thinned(case, oracle, setting, most)
            if small is not None and _right(small, oracle, setting):
                yield small


def thinned(case: Case, oracle: Subject, setting: Setting, most: int) -> Case | None:
    """The question with at most so many points, if it is asked element by element, or as it is if it is small."""
    if _count((case.arrays, case.grads, case.want)) <= NUMBERS * most:
        return case if _want_is_numbers(case.want) else None
    if case.what != "call" or not case.arrays or not isinstance(case.want, Want):
        return None
    shape = case.want.value.shape
    if not all(isinstance(x, np.ndarray) and x.shape == shape for x in case.arrays):
        return None
    at = _spread(case.arrays[0].ravel(), most)
    want = case.want
    parts = {name: np.broadcast_to(getattr(want, name), shape).ravel()[at] for name in ("value", "allowed", "flushed")}
    return replace(case, arrays=tuple(x.ravel()[at] for x in case.arrays), want=replace(want, **parts))


def _spread(x: np.ndarray, most: int) -> np.ndarray:
    """Places of the numbers that are not finite, of zero, and of others evenly by rank."""
    special = [
        *np.flatnonzero(np.isnan(x))[:1],
        *np.flatnonzero(np.isposinf(x))[:1],
        *np.flatnonzero(np.isneginf(x))[:1],
    ]
    special += [*np.flatnonzero(x == 0)[:2]]
    finite = np.flatnonzero(np.isfinite(x) & (x != 0))
    ranked = finite[np.argsort(x[finite], kind="stable")]
    even = ranked[np.linspace(0, len(ranked) - 1, max(most - len(special), 1)).astype(int)] if len(ranked) else []
    return np.unique(np.array([*special, *even], np.int64))


def _right(case: Case, oracle: Subject, setting: Setting) -> bool:
    """Whether the oracle answers the thinned question as it was: an operation along a whole slice does not."""
    try:
        return case.judge(case.ask(oracle, setting.told), setting.told).ratio <= 1
    except NO_ANSWER:
        return False


def _want_is_numbers(want: Any) -> bool:
    if isinstance(want, dict):
        return all(map(_want_is_numbers, want.values()))
    if isinstance(want, tuple | list):
        return bool(want) and all(map(_want_is_numbers, want))
    return isinstance(want, Want)


def _count(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_count, value.values()))
    if isinstance(value, tuple | list):
        return sum(map(_count, value))
    return int(np.size(value.value if isinstance(value, Want) else value)) if value is not None else 0


def _bugs(suite: Suite, operation: str, cases: list[tuple[str, Case, dict]]) -> Iterator[dict]:
    """The wrong implementations of an operation that answer some of these questions otherwise, with their answers."""
    found = 0
    own_first = sorted(suite.mutant_modules, key=lambda module: ".duties" in module.__name__)
    for module in own_first:
        for mutant in module.MUTANTS:
            if operation not in mutant.changes or found == BUGS:
                continue
            subject, answers = mutant.subject(), {}
            for number, (_, case, told) in enumerate(cases):
                try:
                    got = case.ask(subject, told)
                    if case.judge(got, told).ratio > 1:
                        answers[str(number)] = plain(got)
                except NO_ANSWER:
                    continue
            if answers:
                found += 1
                yield {"name": mutant.name, "story": mutant.story, "answers": answers}


def _values(want: Any, part: str) -> Any:
    if isinstance(want, dict):
        return {name: _values(one, part) for name, one in want.items()}
    if isinstance(want, tuple | list):
        return [_values(one, part) for one in want]
    return plain(np.broadcast_to(np.asarray(getattr(want, part)), np.shape(want.value)))


def plain(value: Any) -> Any:
    """Nested lists of numbers; what JSON has no number for is a text."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if isinstance(value, np.ndarray):
        return plain(value.astype(np.float64).tolist() if is_float(value) else value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
