"""Puts one instance of a clause to one subject and says what came of it."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any

from nnspec_conformance.cases import Case, ErrorCase, Test, Trial
from nnspec_conformance.clauses import Clause
from nnspec_conformance.compare import Finding, compare
from nnspec_conformance.errors import ClauseFailed, HarnessError, NotImplementedBySubject, Refused, did_you_mean
from nnspec_conformance.known_failures import apply, known_failures, parse
from nnspec_conformance.outcome import Entry, Result
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import Suite

ANSWERS_KEPT = 64  # for finding which wrong implementation answers alike


def validate(suite: Suite, subject: Subject) -> None:
    """The subject's declarations name existing clauses, readings and instances.

    Raises:
        HarnessError: one does not; says which and what is near.
    """
    known = set(suite.instances) | set(suite.spec.clauses)
    for table in ("VARIANTS", "DEFAULTS"):
        for name, value in getattr(subject, table.lower()).items():
            if name not in known:
                problem = f"{table} names no clause: '{name}'{did_you_mean(str(name), known)}"
            else:
                problem = _misdeclared(suite, subject, table, name, value)
            if problem:
                raise HarnessError(f"{subject.place(f'{name}', table)}: {problem}")
    for key, value in subject.known_failures.items():
        try:
            parse(suite.spec, subject, key, value)
        except HarnessError as error:
            raise HarnessError(f"{subject.place(f'{key}', 'KNOWN_FAILURES')}: {error}") from error


def _misdeclared(suite: Suite, subject: Subject, table: str, name: str, value: Any) -> str | None:
    """What is wrong with one entry of a declaration, if anything."""
    clause = suite.spec.clauses[name.split("[")[0]]
    if table == "VARIANTS":
        readings = value if isinstance(value, tuple | list) and value else (value,)
        wrong = [r for r in readings if not isinstance(r, str) or r not in clause.variants]
        known = ", ".join(clause.variants) or "no variants; take it out"
        return f"VARIANTS['{name}'] is {wrong[0]!r}; the clause has {known}" if wrong else None
    wrong = f"DEFAULTS['{name}']: the clause is of kind {clause.kind}, not default; take it out"
    return None if clause.kind == "default" else wrong


def run_instance(suite: Suite, subject: Subject, instance: str, *, record: Callable | None = None) -> Result:
    """The outcome of one instance.

    Args:
        suite: tests and specification.
        subject: the implementation.
        instance: for instance ``activation.nan[relu]``.
        record: called with instance, case, readings and, for a clause of kind default, the declared default.
    """
    clause, operation = suite.instances[instance]
    result = Result(instance, clause, operation)
    started = time.perf_counter()
    if not suite.tests.get(clause.id):
        result.entry("").fault = f"{clause.id} has no test"
    elif not subject.has(operation):
        result.entry("").missing.append(operation)
    else:
        _run(suite, subject, result, record)
    result.seconds = time.perf_counter() - started
    apply(known_failures(suite.spec, subject, instance), result)
    return result


def _run(suite: Suite, subject: Subject, result: Result, record: Callable | None) -> None:
    clause, operation = result.clause, result.operation
    governing = suite.spec.governing(operation)
    for readings, passed in subject.readings(governing, operation):
        for test in suite.tests[clause.id]:
            _run_test(subject, test, result, readings, passed, record)
    if not result.entries:
        result.entry("").missing.append(f"{operation} in any dtype the clause is tested in")
    result.readings = {c.id: _listed(subject.reading(c, operation)) for c in governing}
    if clause.variants:
        result.variant = _listed(subject.reading(clause, operation))[0] != clause.definition
    if clause.kind == "default":
        default = declared_default(subject, clause, operation, *next(subject.readings(governing, operation)))
        result.readings = {clause.id: [default]}
        result.variant = default != clause.default


def declared_default(subject: Subject, clause: Clause, operation: str, readings: dict, passed: dict) -> Any:
    """What the subject says an omitted keyword stands for; one that cannot be told can only mean its one reading."""
    declared = clause.instance(operation) in subject.defaults or clause.id in subject.defaults
    if declared or clause.keyword not in readings or clause.keyword in passed:
        return subject.default(clause, operation)
    return readings[clause.keyword]


def _listed(value: Any) -> list:
    return list(value) if isinstance(value, tuple | list) else [value]


def _run_test(
    subject: Subject, test: Test, result: Result, readings: dict, passed: dict, record: Callable | None
) -> None:
    """Run one test function; what is asked, and what came of it, is noted on the result by dtype."""
    default = declared_default(subject, result.clause, result.operation, readings, passed)
    available = {"operation": result.operation, "readings": readings, "default": default}
    arguments = {name: available[name] for name in test.wants if name in available}
    if result.clause.kind == "default":
        passed = {k: v for k, v in passed.items() if k != result.clause.keyword}
    try:
        if "trial" in test.wants:
            _run_trial(test, arguments, Trial(subject, result.operation, readings, passed), result)
            return
        for case in test.function(**arguments):
            if isinstance(case, Case) and case.dtype and case.dtype not in subject.dtypes:
                continue
            if record and isinstance(case, Case):
                record(result.instance, case, readings, default if result.clause.kind == "default" else None)
            try:
                finding = _ask(case, subject, passed, readings, result)
            except (NotImplementedBySubject, ClauseFailed, Refused, HarnessError) as error:
                _note_error(result.entry(test.name, readings, _dtype(case, subject)), error)
            else:
                result.entry(test.name, readings, _dtype(case, subject)).note(finding)
    except Exception as error:  # a fault of the suite itself, never the subject's
        place = inspect.trace()[-1]
        text = f"{type(error).__name__} in {place.filename}:{place.lineno}: {error}"
        result.entry(test.name, readings).fault = text


def _ask(case: Case | ErrorCase, subject: Subject, passed: dict, readings: dict, result: Result) -> Finding:
    """Put one question; keep the answer for finding which wrong implementation answers alike."""
    if isinstance(case, ErrorCase):
        return case.run(subject, passed)
    got = case.ask(subject, passed)
    finding = compare(got, case.want, flushes=readings.get("subnormals") == "flushed", arrays=case.arrays)
    finding.call = case.describe(passed) + (f" {finding.call}" if finding.call else "")
    if len(result.answers) < ANSWERS_KEPT:
        result.answers.append((case, passed, got))
    return finding


def _dtype(case: Case | ErrorCase, subject: Subject) -> str | None:
    return case.dtype if isinstance(case, Case) else subject.asked


def _run_trial(test: Test, arguments: dict, trial: Trial, result: Result) -> None:
    """Let a test ask for itself; what it found until it ended counts, however it ended."""
    subject = trial.subject
    before, subject.asked, error = subject.calls, None, None
    try:
        test.function(**arguments, trial=trial)
    except (NotImplementedBySubject, ClauseFailed, Refused, HarnessError) as raised:
        error = raised
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as raised:
        if subject.calls == before:  # nothing was asked yet: a fault of the test
            raise
        # A relation between answers of a wrong shape or without a name cannot even be computed.
        text = f"{type(raised).__name__}: {' '.join(str(raised).split())[:160]}"
        error = ClauseFailed(
            f"the answers of {result.operation} do not have the form the clause relates ({text}); "
            "see what its clauses on value and shape say"
        )
    for dtype, finding in trial.findings:
        result.entry(test.name, trial.readings, dtype).note(finding)
    if error:
        _note_error(result.entry(test.name, trial.readings, subject.asked), error)


def _note_error(entry: Entry, error: Exception) -> None:
    """What a question came to that has no answer to compare."""
    if isinstance(error, NotImplementedBySubject):
        entry.missing.append(str(error))
    elif isinstance(error, ClauseFailed | Refused):
        entry.note(Finding(float("inf"), str(error), call=error.call))
    else:
        entry.fault = entry.fault or str(error)
