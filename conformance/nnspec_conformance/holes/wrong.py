"""Implementations that are wrong under a single condition, and whether the suite catches them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from nnspec_conformance.engine import run_instance
from nnspec_conformance.holes.conditions import Question, met
from nnspec_conformance.mutant import ORACLE
from nnspec_conformance.outcome import FAIL
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import Suite
from nnspec_conformance.trees import leaves, mapped

FIRST = ("duty.sizes", "duty.attributes", "duty.layouts", "duty.nan", "duty.diverged", "duty.gradient")


class Wrong(Subject):
    """A subject, and whether it has given an answer that is wrong."""

    differs = False


def wrong_under(suite: Suite, operation: str, what: str, condition: str, *, lean: bool = False) -> Wrong:
    """The oracle, that answers something else wherever a question meets the condition."""
    name = operation if what == "value" else f"{operation}_vjp"
    right, declared = getattr(ORACLE, name), suite.spec.operations[operation]

    def wrong(*given: Any, **told: Any) -> Any:
        arrays, cotangents = (given, None) if what == "value" else (given[:-1], given[-1])
        answer = right(*given, **told)
        if condition not in met(Question(declared, arrays, told, cotangents)):
            return answer
        if condition.startswith(("NaN", "infinity")):  # hidden; there may be none, and then nothing is wrong
            changed = mapped(lambda y: np.where(np.isfinite(y), y, 0).astype(np.asarray(y).dtype), answer)
            subject.differs |= any(not np.isfinite(y).all() for y in leaves(answer))
            return changed
        subject.differs = True
        return mapped(lambda y: np.asarray(1.5 * y + 1, np.asarray(y).dtype), answer)

    subject = Wrong(SimpleNamespace(**{**vars(ORACLE), name: wrong}), role="mutant")
    subject.compiles = lean
    return subject


def is_caught(suite: Suite, subject: Subject, operation: str) -> bool:
    """Whether an instance about the operation fails, those duties first that ask most."""
    own = [name for name, (_, about) in suite.instances.items() if about == operation]
    own.sort(key=lambda name: not name.startswith(FIRST))
    return any(run_instance(suite, subject, name).outcome == FAIL for name in own)
