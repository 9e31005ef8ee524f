"""Asks the worst question of what failed once more, by itself, and says what that gave.

An answer that is right then depends on something that no clause about values is about: on earlier calls, or on how its
arrays lie in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, Test
from nnspec_conformance.engine import run_test
from nnspec_conformance.errors import ClauseFailed, HarnessError, NotImplementedBySubject, Refused
from nnspec_conformance.layouts import name_of
from nnspec_conformance.loading import fresh
from nnspec_conformance.outcome import FAIL, Entry, Result
from nnspec_conformance.setting import Setting
from nnspec_conformance.subject import Subject
from nnspec_conformance.trees import leaves, mapped

EARLIER = "asked once more by itself it is right: the answer depends on earlier calls, or on chance"
LAYOUT = "with contiguous arrays it is right: the answer depends on how they lie in memory"
PAST = "the adapter loaded anew and asked this only is right: the answer depends on earlier calls"


def ask_alone(subject: Subject, result: Result) -> bool:
    """Ask the worst question of a failed instance once more; say it where that answer is right, and return whether."""
    asked = [entry for entry in result.deciding if entry.question and entry.finding is result.finding]
    if result.outcome != FAIL or result.finding is None or not asked:
        return False
    question, setting = asked[0].question
    if isinstance(question, Case):
        plain = partial(_is_right, _with_arrays(question, lambda x: np.array(x, order="C")), setting)
        same = partial(_is_right, question, setting) if _turned(question) else plain
    else:
        plain = same = partial(_holds, question, setting, result, asked[0])
    result.finding.alone = _alone(subject, plain, same)
    return result.finding.alone is not None


def _alone(subject: Subject, plain: Callable[[Subject], bool], same: Callable[[Subject], bool]) -> str | None:
    """What the answer depends on, if that to the plain question is right; the other one has its arrays as they were."""
    if plain(subject):
        return EARLIER if same is plain or same(subject) else LAYOUT
    again = fresh(subject)
    return PAST if again and plain(again) else None


def _turned(case: Case) -> bool:
    """Whether an array of the question lies otherwise than a new one does."""
    arrays = leaves([case.arrays, case.cotangents, [] if callable(case.grads) else case.grads])
    return any(name_of(np.asarray(x)) for x in arrays)  # a cotangent may be a number of NumPy's, which has no strides


def _with_arrays(case: Case, make: Callable[[Any], np.ndarray]) -> Case:
    grads = case.grads if callable(case.grads) else mapped(make, case.grads)
    return replace(case, arrays=mapped(make, case.arrays), cotangents=mapped(make, case.cotangents), grads=grads)


def _is_right(case: Case, setting: Setting, subject: Subject) -> bool:
    """Whether a subject's answer to a question is within what is allowed."""
    try:
        return case.judge(case.ask(subject, setting.told), setting.told, subnormals=setting.subnormals).ratio <= 1
    except (NotImplementedBySubject, ClauseFailed, Refused, HarnessError):
        return False


def _holds(test: Test, setting: Setting, result: Result, failed: Entry, subject: Subject) -> bool:
    """Whether a test that asks for itself finds nothing in the dtype, and with the attributes, in which it did."""
    again = Result(instance=result.instance, clause=result.clause, operation=result.operation, apart=result.apart)
    run_test(subject, test, again, setting)
    own = (failed.dtype, failed.attributes)
    entries = [entry for entry in again.entries if (entry.dtype, entry.attributes) == own]
    return any(entry.cases for entry in entries) and not any(entry.failed or entry.fault for entry in entries)
