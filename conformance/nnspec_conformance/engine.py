"""Puts one instance of a clause to one subject and says what came of it."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nnspec_conformance.cases import Case, ErrorCase, Test, Trial
from nnspec_conformance.clauses import Clause
from nnspec_conformance.compare import Finding, compare, sentence, worst
from nnspec_conformance.errors import ClauseFailed, HarnessError, NotImplementedBySubject, Refused
from nnspec_conformance.subject import Subject, known_failure
from nnspec_conformance.suite_loader import Suite, did_you_mean

PASS, VARIANT, KNOWN, FAIL = "pass", "variant", "known failure", "fail"
NOT_IMPLEMENTED, HARNESS_ERROR = "not implemented", "harness error"
OUTCOMES = (PASS, VARIANT, KNOWN, FAIL, NOT_IMPLEMENTED, HARNESS_ERROR)


@dataclass
class Result:
    """What one instance of a clause came to."""

    instance: str
    clause: Clause
    operation: str
    outcome: str = PASS
    ratio: float = 0.0
    finding: Finding | None = None
    message: str | None = None
    reason: str | None = None
    readings: dict[str, list] = field(default_factory=dict)
    cases: int = 0
    dtypes: list[str] = field(default_factory=list)
    fits: list[str] = field(default_factory=list)
    seconds: float = 0.0
    answers: list[tuple[Case, dict, Any]] = field(default_factory=list, repr=False)

    def as_dict(self) -> dict:
        """JSON-ready; ``answers`` stay behind."""
        shown = self.outcome in (FAIL, KNOWN)
        return {
            "outcome": self.outcome,
            "level": self.clause.level,
            "kind": self.clause.kind,
            "page": self.clause.page,
            "text_hash": self.clause.text_hash,
            "readings": self.readings,
            "ratio": self.ratio if self.cases else None,
            "cases": self.cases,
            "dtypes": self.dtypes,
            "seconds": round(self.seconds, 4),
            "message": self.message,
            "reason": self.reason,
            "fits": self.fits,
            "worst": self.finding.as_dict() if self.finding and shown else None,
        }


def validate(suite: Suite, subject: Subject) -> None:
    """The subject's declarations name existing clauses, readings and instances.

    Raises:
        HarnessError: one does not; says which and what is near.
    """
    known = set(suite.instances) | set(suite.spec.clauses)
    for table in ("VARIANTS", "DEFAULTS", "KNOWN_FAILURES"):
        for name, value in getattr(subject, table.lower()).items():
            if name not in known:
                problem = f"{table} names no clause: '{name}'{did_you_mean(str(name), known)}"
            else:
                problem = _misdeclared(suite, subject, table, name, value)
            if problem:
                raise HarnessError(f"{subject.place(f'{name}', table)}: {problem}")


def _misdeclared(suite: Suite, subject: Subject, table: str, name: str, value: Any) -> str | None:
    """What is wrong with one entry of a declaration, if anything."""
    clause = suite.spec.clauses[name.split("[")[0]]
    if table == "VARIANTS":
        readings = value if isinstance(value, tuple | list) and value else (value,)
        wrong = [r for r in readings if not isinstance(r, str) or r not in clause.variants]
        known = ", ".join(clause.variants) or "no variants; take it out"
        return f"VARIANTS['{name}'] is {wrong[0]!r}; the clause has {known}" if wrong else None
    if table == "DEFAULTS":
        wrong = f"DEFAULTS['{name}']: the clause is of kind {clause.kind}, not default; take it out"
        return None if clause.kind == "default" else wrong
    if name not in suite.instances:
        return f"KNOWN_FAILURES['{name}'] is a family; name its instance, such as {clause.instances[0]}"
    if not isinstance(value, str) or not value.strip():
        return f"KNOWN_FAILURES['{name}'] is {value!r}; give the reason and a link"
    try:
        known_failure(value, subject.version)
    except HarnessError as error:
        return str(error)
    return None


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
    try:
        if not suite.tests.get(clause.id):
            raise HarnessError(f"{clause.id} has no test")
        _run(suite, subject, result, record)
    except NotImplementedBySubject as error:
        result.outcome, result.message = NOT_IMPLEMENTED, f"{error}"
    except (ClauseFailed, Refused) as error:
        result.outcome, result.ratio, result.message = FAIL, float("inf"), str(error)
        result.finding = Finding(float("inf"), call=error.call)
        result.cases = result.cases or 1
    except HarnessError as error:
        result.outcome, result.message = HARNESS_ERROR, str(error)
    except Exception as error:  # a fault of the suite itself, never the subject's
        place = inspect.trace()[-1]
        result.outcome = HARNESS_ERROR
        result.message = f"{type(error).__name__} in {place.filename}:{place.lineno}: {error}"
    result.seconds = time.perf_counter() - started
    _apply_known_failures(subject, result)
    return result


def _run(suite: Suite, subject: Subject, result: Result, record: Callable | None) -> None:
    clause, operation = result.clause, result.operation
    if not subject.has(operation):
        raise NotImplementedBySubject(operation)
    governing = suite.spec.governing(operation)
    for readings, passed in subject.readings(governing, operation):
        for test in suite.tests[clause.id]:
            _run_test(subject, test, result, readings, passed, record)
    if result.cases == 0:
        raise NotImplementedBySubject(f"{operation} in any dtype the clause is tested in")
    result.readings = {c.id: _listed(subject.reading(c, operation)) for c in governing}
    if clause.variants and result.outcome == PASS:
        if _listed(subject.reading(clause, operation))[0] != clause.definition:
            result.outcome = VARIANT
    if clause.kind == "default":
        default = declared_default(subject, clause, operation, *next(subject.readings(governing, operation)))
        result.readings = {clause.id: [default]}
        if result.outcome == PASS and default != clause.default:
            result.outcome = VARIANT


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
    """Run one test function and note its findings on the result."""
    default = declared_default(subject, result.clause, result.operation, readings, passed)
    available = {"operation": result.operation, "readings": readings, "default": default}
    arguments = {name: available[name] for name in test.wants if name in available}
    if "trial" in test.wants:
        trial, asked = Trial(subject, result.operation, readings, passed), subject.calls
        try:
            test.function(**arguments, trial=trial)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            if subject.calls == asked:  # nothing was asked yet: a fault of the test
                raise
            # A relation between answers of a wrong shape or without a name cannot even be computed.
            text = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
            raise ClauseFailed(
                f"the answers of {result.operation} do not have the form the clause relates ({text}); "
                "see what its clauses on value and shape say"
            ) from error
        for finding in trial.findings:
            _note(result, finding, None)
        return
    if result.clause.kind == "default":
        passed = {k: v for k, v in passed.items() if k != result.clause.keyword}
    for case in test.function(**arguments):
        if isinstance(case, ErrorCase):
            _note(result, case.run(subject, passed), None)
            continue
        if case.dtype and case.dtype not in subject.dtypes:
            continue
        if record:
            record(result.instance, case, readings, default if result.clause.kind == "default" else None)
        got = case.ask(subject, passed)
        finding = compare(got, case.want, flushes=readings.get("subnormals") == "flushed", arrays=case.arrays)
        finding.call = case.describe(passed) + (f" {finding.call}" if finding.call else "")
        if len(result.answers) < 64:
            result.answers.append((case, passed, got))
        _note(result, finding, case.dtype)


def _note(result: Result, finding: Finding, dtype: str | None) -> None:
    result.cases += 1
    if dtype and dtype not in result.dtypes:
        result.dtypes.append(dtype)
    if result.finding is None or finding.ratio > result.finding.ratio:
        result.finding = worst([f for f in (result.finding, finding) if f])
        result.ratio = result.finding.ratio
    if finding.ratio > 1:
        result.outcome = FAIL
        result.message = result.finding.message or sentence(result.finding)


def _apply_known_failures(subject: Subject, result: Result) -> None:
    declared = subject.known_failures.get(result.instance)
    if declared is None:
        return
    reason = known_failure(declared, subject.version)
    if reason is None:
        return
    if result.outcome == FAIL:
        result.outcome, result.reason = KNOWN, reason
    elif result.outcome in (PASS, VARIANT):
        result.outcome, result.reason = FAIL, reason
        result.message = "declared as a known failure but holds now; take it out of KNOWN_FAILURES"
