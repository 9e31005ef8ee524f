"""Asks the worst question of what failed once more, by itself, and says what that gave.

An answer that is right then depends on something that no clause about values is about: on earlier calls, or on how its
arrays lie in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case
from nnspec_conformance.errors import ClauseFailed, HarnessError, NotImplementedBySubject, Refused
from nnspec_conformance.loading import fresh
from nnspec_conformance.outcome import FAIL, Result
from nnspec_conformance.setting import Setting
from nnspec_conformance.subject import Subject
from nnspec_conformance.trees import leaves, mapped

EARLIER = "asked once more by itself it is right: the answer depends on earlier calls, or on chance"
LAYOUT = "with contiguous arrays it is right: the answer depends on how they lie in memory"
PAST = "the adapter loaded anew and asked this only is right: the answer depends on earlier calls"


def ask_alone(subject: Subject, result: Result) -> bool:
    """Ask the worst question of a failed instance once more; say it where that answer is right, and return whether."""
    asked = [entry.question for entry in result.deciding if entry.question and entry.finding is result.finding]
    if result.outcome != FAIL or result.finding is None or not asked:
        return False
    result.finding.alone = _alone(subject, *asked[0])
    return result.finding.alone is not None


def _alone(subject: Subject, case: Case, setting: Setting) -> str | None:
    plain = _with_arrays(case, lambda x: np.array(x, order="C"))
    if _is_right(subject, plain, setting):
        turned = [x for x in _arrays(case) if not (x.flags.c_contiguous and x.flags.aligned and x.flags.writeable)]
        return LAYOUT if turned and not _is_right(subject, case, setting) else EARLIER
    again = fresh(subject)
    return PAST if again and _is_right(again, plain, setting) else None


def _arrays(case: Case) -> list[np.ndarray]:
    return leaves([case.arrays, case.cotangents, [] if callable(case.grads) else case.grads])


def _with_arrays(case: Case, make: Callable[[Any], np.ndarray]) -> Case:
    grads = case.grads if callable(case.grads) else mapped(make, case.grads)
    return replace(case, arrays=mapped(make, case.arrays), cotangents=mapped(make, case.cotangents), grads=grads)


def _is_right(subject: Subject, case: Case, setting: Setting) -> bool:
    try:
        return case.judge(case.ask(subject, setting.told), setting.told, subnormals=setting.subnormals).ratio <= 1
    except (NotImplementedBySubject, ClauseFailed, Refused, HarnessError):
        return False
