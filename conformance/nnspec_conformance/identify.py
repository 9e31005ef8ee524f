"""Which reading an implementation has of each clause with variants, found by its behaviour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from nnspec_conformance.clauses import Clause
from nnspec_conformance.engine import run_instance
from nnspec_conformance.known_failures import KnownFailure, known_failures
from nnspec_conformance.outcome import FAIL, HARNESS_ERROR, NOT_IMPLEMENTED, PASS, Entry
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import Suite


@dataclass(frozen=True)
class Identified:
    """Declared and found readings of one instance; ``found`` is empty where none fits, be it by a known failure."""

    instance: str
    declared: list
    found: list
    definition: Any
    implemented: bool
    known_failure: bool = False
    fault: str | None = None  # why the suite could not ask; says nothing about the subject

    @property
    def is_wrong(self) -> bool:
        """Whether the declared reading was not found, for no reason that the subject or the suite knows."""
        return self.implemented and not (self.known_failure or self.fault) and not set(self.declared) <= set(self.found)


def _declaring(subject: Subject, clause: Clause, instance: str, value: Any) -> Subject:
    """The same implementation, declaring one reading only."""
    changed = {name: getattr(subject.adapter, name) for name in dir(subject.adapter) if not name.startswith("__")}
    table = "VARIANTS" if clause.variants else "DEFAULTS"
    changed[table] = dict(changed.get(table, {})) | {instance: value}
    changed["KNOWN_FAILURES"] = {}
    made = Subject(SimpleNamespace(**changed), call_limit=subject.call_limit)
    made.patience = subject.patience  # what did not return in time is not waited for again
    return made


def identify(suite: Suite, subject: Subject) -> Iterator[Identified]:
    """Try every reading of every clause with variants, and every candidate of every default."""
    for instance, (clause, operation) in suite.instances.items():
        if not clause.variants and clause.kind != "default":
            continue
        values = list(clause.variants) or list(clause.candidates)
        if clause.variants:
            declared = subject.reading(clause, operation)
        else:
            declared = subject.settings(suite.spec, clause, operation)[0].default
            if declared not in values:
                values.append(declared)
        declared = list(declared) if isinstance(declared, tuple) else [declared]
        known = known_failures(suite.spec, subject, instance)
        found, implemented, hidden, fault = [], False, False, None
        for value in values:
            # a subject that can be told keeps being told: it declares the single reading as its whole choice
            told = len(declared) > 1 and value in declared
            trial = _declaring(subject, clause, instance, (value,) if told else value)
            entries = run_instance(suite, trial, instance).entries
            implemented |= any(entry.outcome != NOT_IMPLEMENTED for entry in entries)
            fault = fault or next((entry.fault for entry in entries if entry.outcome == HARNESS_ERROR), None)
            hidden |= value in declared and any(entry.failed and _claimed(known, entry) for entry in entries)
            if _holds(entry for entry in entries if not _claimed(known, entry)):
                found.append(value)
        definition = clause.definition if clause.variants else clause.default
        yield Identified(instance, declared, found, definition, implemented, hidden and not found, fault)


def _claimed(known: list[KnownFailure], entry: Entry) -> bool:
    return any(failure.claims(entry) for failure in known)


def _holds(entries: Iterable[Entry]) -> bool:
    """Whether something passed, and nothing failed or could not be asked."""
    outcomes = {entry.outcome for entry in entries}
    return PASS in outcomes and not outcomes & {FAIL, HARNESS_ERROR}
