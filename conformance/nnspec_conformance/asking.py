"""Puts one instance to a subject and completes the result: asked once more alone, compared with known mistakes."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import count

from nnspec_conformance.alone import ask_alone
from nnspec_conformance.compiled import let_go
from nnspec_conformance.engine import run_instance
from nnspec_conformance.explaining import explain
from nnspec_conformance.outcome import Result
from nnspec_conformance.rounded import FEW, at_most
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import Suite

ASKED = count(1)
BETWEEN = 16  # questions: counting the mappings of a large process takes 20 ms


def ask(suite: Suite, subject: Subject, instance: str, *, record: Callable | None = None) -> Result:
    """The result of one instance, as it is told.

    Args:
        suite: tests and specification.
        subject: the implementation.
        instance: for instance ``activation.nan[relu]``.
        record: as ``run_instance`` has it.
    """
    result = _result(suite, subject, instance, record)
    if not ask_alone(subject, result):  # else no mistake of one call explains it
        result.fits = explain(suite, subject, result)
    result.forget()
    if next(ASKED) % BETWEEN == 0:
        let_go()
    return result


def _result(suite: Suite, subject: Subject, instance: str, record: Callable | None) -> Result:
    """The result; that of a duty by few rounded runs of the oracle, and by all of them if it is not within these."""
    before = 0.0
    if suite.instances[instance][0].forms and record is None:
        with at_most(FEW):
            result = run_instance(suite, subject, instance)
        if not any(entry.failed and math.isfinite(entry.finding.ratio) for entry in result.entries if entry.finding):
            return result  # nothing is wrong, or no tolerance makes it right
        before = result.seconds
    result = run_instance(suite, subject, instance, record=record)
    result.seconds += before
    return result
