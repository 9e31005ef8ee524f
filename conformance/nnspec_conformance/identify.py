"""Which reading an implementation has of each clause with variants, found by its behaviour."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from nnspec_conformance.engine import run_instance
from nnspec_conformance.known_failures import KnownFailure, apart, known_failures
from nnspec_conformance.outcome import FAIL, HARNESS_ERROR, NOT_ASKED, NOT_IMPLEMENTED, PASS, Entry
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import Suite

MOST_TOGETHER = 64  # combinations of readings that are tried where nothing fits several clauses


@dataclass(frozen=True)
class Identified:
    """Declared and found readings of one instance; ``found`` is empty where none fits, be it by a known failure.

    ``beside`` has the readings of other clauses, other than declared, with which they were found.
    """

    instance: str
    declared: list
    found: list
    definition: Any
    implemented: bool
    known_failure: bool = False
    fault: str | None = None  # why the suite could not ask; says nothing about the subject
    beside: dict[str, Any] = field(default_factory=dict)

    @property
    def is_unexplained(self) -> bool:
        """Whether it was asked, and neither a reading nor what the subject or the suite knows explains the answers."""
        return self.implemented and not (self.found or self.known_failure or self.fault)

    @property
    def is_wrong(self) -> bool:
        """Whether the declared reading was not found, for no reason that the subject or the suite knows."""
        return self.implemented and not (self.known_failure or self.fault) and not set(self.declared) <= set(self.found)


def identify(suite: Suite, subject: Subject) -> Iterator[Identified]:
    """Try every reading of every clause with variants, and every candidate of every default, operation by operation.

    One clause at a time is tried, the others as the subject declares them. Where none of its readings fits, it is tried
    once more beside what was found of the operation's other clauses, then together with those of them that nothing
    fits either: a wrong declaration of one hides the reading of another.
    """
    operations: dict[str, list[str]] = {}
    for instance, (clause, operation) in suite.instances.items():
        if clause.variants or clause.kind == "default":
            operations.setdefault(operation, []).append(instance)
    for instances in operations.values():  # each is told before the next one is called, which may end the process
        rows = {instance: _alone(suite, subject, instance) for instance in instances}
        if any(row.is_unexplained for row in rows.values()):
            rows = _beside_each_other(suite, subject, rows)
        yield from rows.values()


def _alone(suite: Suite, subject: Subject, instance: str) -> Identified:
    """What is found of one instance where all other declarations are right."""
    clause, operation = suite.instances[instance]
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
        trial = _declaring(suite, subject, {instance: value})
        entries = run_instance(suite, trial, instance, judged_apart=apart(known)).entries
        implemented |= any(entry.outcome not in (NOT_IMPLEMENTED, NOT_ASKED) for entry in entries)
        fault = fault or next((entry.fault for entry in entries if entry.outcome == HARNESS_ERROR), None)
        hidden |= value in declared and any(entry.failed and _claimed(known, entry) for entry in entries)
        if _holds(entry for entry in entries if not _claimed(known, entry)):
            found.append(value)
    definition = clause.definition if clause.variants else clause.default
    return Identified(instance, declared, found, definition, implemented, hidden and not found, fault)


def _beside_each_other(suite: Suite, subject: Subject, rows: dict[str, Identified]) -> dict[str, Identified]:
    """What is found of those instances of an operation that nothing fits, with other readings beside them."""
    rows = dict(rows)
    beside = {name: row.found[0] for name, row in rows.items() if row.found and row.is_wrong}
    for name in [name for name, row in rows.items() if row.is_unexplained] if beside else []:
        if found := [v for v in _readings(suite, name) if fit(suite, subject, {name: v} | beside, [name])]:
            rows[name] = replace(rows[name], found=found, beside=beside)
    open_ones = [name for name, row in rows.items() if row.is_unexplained and suite.instances[name][0].variants]
    tried = itertools.product(*(_readings(suite, name) for name in open_ones))
    together = [
        combination
        for values in itertools.islice(tried, MOST_TOGETHER if len(open_ones) > 1 else 0)
        if fit(suite, subject, (combination := dict(zip(open_ones, values, strict=True))) | beside, open_ones)
    ]
    for name in open_ones if together else []:
        found = list(dict.fromkeys(combination[name] for combination in together))
        others = {other: value for other, value in together[0].items() if other != name}
        rows[name] = replace(rows[name], found=found, beside=beside | others)
    return rows


def _readings(suite: Suite, instance: str) -> list:
    clause, _ = suite.instances[instance]
    return list(clause.variants) or list(clause.candidates)


def fit(suite: Suite, subject: Subject, values: dict[str, Any], instances: list[str]) -> bool:
    """Whether all these instances hold where the subject has these readings."""
    trial = _declaring(suite, subject, values)
    for instance in instances:
        known = known_failures(suite.spec, subject, instance)
        entries = run_instance(suite, trial, instance, judged_apart=apart(known)).entries
        if not _holds(entry for entry in entries if not _claimed(known, entry)):
            return False
    return True


def _declaring(suite: Suite, subject: Subject, values: dict[str, Any]) -> Subject:
    """The same implementation, declaring these readings and defaults only.

    A subject that can be told keeps being told: it declares the single reading as its whole choice.
    """
    changed = {name: getattr(subject.adapter, name) for name in dir(subject.adapter) if not name.startswith("__")}
    changed["KNOWN_FAILURES"] = {}
    for instance, value in values.items():
        clause, operation = suite.instances[instance]
        declared = subject.reading(clause, operation) if clause.variants else value
        told = isinstance(declared, tuple) and len(declared) > 1 and value in declared
        table = "VARIANTS" if clause.variants else "DEFAULTS"
        changed[table] = dict(changed.get(table, {})) | {instance: (value,) if told else value}
    made = Subject(SimpleNamespace(**changed), call_limit=subject.call_limit)
    made.patience = subject.patience  # what did not return in time is not waited for again
    return made


def _claimed(known: list[KnownFailure], entry: Entry) -> bool:
    return any(failure.claims(entry) for failure in known)


def _holds(entries: Iterable[Entry]) -> bool:
    """Whether something passed, and nothing failed or could not be asked."""
    outcomes = {entry.outcome for entry in entries}
    return PASS in outcomes and not outcomes & {FAIL, HARNESS_ERROR}
