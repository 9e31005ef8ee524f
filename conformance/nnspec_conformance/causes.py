"""What several failures of one run have in common: the mistake that explains more of them is named first.

What one clause sees may fit several mistakes: a tiny result that is zero is flushed, or its digits have cancelled. The
other failures of the operation tell which. Where answers cannot be compared, as between two calls of the subject's own,
a mistake that is seen elsewhere counts if it fails there in the same dtypes and in the same words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from nnspec_conformance.engine import run_instance
from nnspec_conformance.explaining import of_topics
from nnspec_conformance.mutant import ORACLE, Mutant
from nnspec_conformance.mutation import HALF, module_mutants, parts_of, reading_pairs
from nnspec_conformance.outcome import FAIL, Result
from nnspec_conformance.suite_loader import Suite

TRIED = 3  # mistakes, those that explain most


def share_causes(suite: Suite, results: Iterable[Result]) -> None:
    """Order what fits the failures of a run, and name what else fails of the same mistake."""
    by_operation: dict[str, list[Result]] = {}
    for result in results:
        if result.outcome == FAIL:
            by_operation.setdefault(result.operation, []).append(result)
    for operation, failed in by_operation.items():
        _share(suite, operation, failed)


def _share(suite: Suite, operation: str, failed: list[Result]) -> None:
    if not any(result.fits for result in failed):  # a crash, for one: all mistakes would be loaded, which takes seconds
        return
    explained = Counter(text for result in failed for text in result.fits)
    readings = {m.text for c in suite.spec.governing(operation) for m in reading_pairs(c, operation, ORACLE)}
    mistakes = _mistakes(of_topics(suite), operation)
    if not explained.keys() <= mistakes.keys() | readings:
        mistakes = _mistakes(suite, operation)
    common = [text for text, _ in explained.most_common() if text in mistakes][:TRIED]
    for result in failed:
        result.fits.sort(key=lambda text: -explained[text])
        alike = result.fits and result.fits[0] in mistakes  # which is stronger evidence
        if alike or result.clause.kind == "error":  # what is accepted has no value that could be wrong
            continue
        most = explained[result.fits[0]] if result.fits else 0
        likely = (text for text in common if explained[text] > most)
        cause = next((text for text in likely if _fails_alike(suite, mistakes[text], result)), None)
        result.fits[:0] = [cause] if cause else []


def _mistakes(suite: Suite, operation: str) -> dict[str, Mutant]:
    """The mutants of an operation by what a verdict says where they fit."""
    parts = set(parts_of(ORACLE, operation))
    return {mutant.text: mutant for mutant in module_mutants(suite) if parts & set(mutant.changes)}


def _fails_alike(suite: Suite, mistake: Mutant, result: Result) -> bool:
    """Whether a mistake fails a clause in every dtype that decides, and with a message of the same form."""
    own = run_instance(suite, mistake.subject(), result.instance)
    dtypes = {entry.dtype for entry in result.entries if entry.failed}
    decisive = dtypes - set(HALF) or dtypes
    if own.outcome != FAIL or not decisive <= {entry.dtype for entry in own.entries if entry.failed}:
        return False
    return _form(result) == _form(own)


def _form(result: Result) -> str | None:
    """The message of a failure without its numbers; None where it compares two numbers."""
    if result.finding is None or result.finding.got is not None:
        return None
    return re.sub(r"[-+.\d]+(e[-+]?\d+)?|\binf\b|\bnan\b", "", result.message or "")
