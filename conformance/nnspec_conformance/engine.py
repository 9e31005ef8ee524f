"""Puts one instance of a clause to one subject and says what came of it."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from nnspec_conformance import programs, subnormals
from nnspec_conformance.adapters import numpy_oracle
from nnspec_conformance.cases import Case, ErrorCase, Test
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.compare import Finding
from nnspec_conformance.errors import (
    ClauseFailed,
    HarnessError,
    NotAsked,
    NotImplementedBySubject,
    Refused,
    TookTooLong,
    did_you_mean,
)
from nnspec_conformance.known_failures import apart, apply, is_value, known_failures, parse
from nnspec_conformance.loading import joined
from nnspec_conformance.operations import Attribute
from nnspec_conformance.outcome import Entry, Missing, Result
from nnspec_conformance.setting import Setting
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import Suite
from nnspec_conformance.trial import Trial

RELATING = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)  # of answers that do not fit together
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
    operations = {operation for _, operation in suite.instances.values()}
    for operation in subject.operations_with_dtypes:
        if operation not in operations:
            problem = f"DTYPES names no operation: '{operation}'{did_you_mean(operation, operations)}"
            raise HarnessError(f"{subject.place(f'{operation}', 'DTYPES')}: {problem}")
    if wrong := subnormals.problem(subject.subnormals, operations):
        raise HarnessError(f"{subject.place('SUBNORMALS')}: {wrong}")
    if wrong := programs.misdeclared(getattr(subject.adapter, "STEPS", {})):
        raise HarnessError(f"{subject.place('STEPS')}: {wrong}")
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


def run_instance(
    suite: Suite,
    subject: Subject,
    instance: str,
    *,
    record: Callable | None = None,
    judged_apart: dict[str, tuple[str, ...]] | None = None,
) -> Result:
    """The outcome of one instance.

    Args:
        suite: tests and specification.
        subject: the implementation.
        instance: for instance ``activation.nan[relu]``.
        record: called with instance, case and setting of every question that a table of values answers.
        judged_apart: attributes whose questions have entries of their own; by default those of its known failures.
    """
    clause, operation = suite.instances[instance]
    known = known_failures(suite.spec, subject, instance)
    result = Result(instance=instance, clause=clause, operation=operation)
    result.apart = apart(known) if judged_apart is None else judged_apart
    subject.kept.forget()  # a verdict does not depend on what was asked before
    subject.one_dtype.asked_by(clause.id)
    started = time.perf_counter()
    if not suite.tests.get(clause.id):
        result.entry("").fault = f"{clause.id} has no test"
    elif not subject.has(operation):
        result.entry("").missing.append(Missing((), operation))
    else:
        _run(suite, subject, result, record)
    result.seconds = time.perf_counter() - started
    apply(known, result)
    return result


def _run(suite: Suite, subject: Subject, result: Result, record: Callable | None) -> None:
    clause, operation = result.clause, result.operation
    settings = subject.settings(suite.spec, clause, operation)
    if clause.forms and subject.compiles and not subject.slow:  # a duty is about calls: one reading will do
        settings = settings[:1]
    result.told = tuple(settings[0].told)
    for number, setting in enumerate(settings):
        for test in suite.tests[clause.id]:
            lean = subject.compiles or (bool(clause.forms) and number > 0)
            run_test(subject, test, result, setting, record, lean=lean)
    if not result.entries:
        unasked = Missing((), f"{operation} in any dtype the clause is tested in", put=False)
        result.entry("").missing.append(unasked)
    if clause.kind == "default":
        result.readings = {clause.id: [settings[0].default]}
        result.variant = settings[0].default != clause.default
        return
    result.readings = {c.id: _listed(subject.reading(c, operation)) for c in suite.spec.governing(operation)}
    result.variant = bool(clause.variants) and result.readings[clause.id][0] != clause.definition


def _listed(value: Any) -> list:
    return list(value) if isinstance(value, tuple | list) else [value]


def run_test(
    subject: Subject,
    test: Test,
    result: Result,
    setting: Setting,
    record: Callable | None = None,
    *,
    lean: bool = False,
) -> None:
    """Run one test function; what is asked, and what came of it, is noted on the result by dtype."""
    available = {"operation": result.operation, "readings": setting.readings, "default": setting.default}
    available |= {"lean": (lean or subject.compiles) and not subject.slow, "slow": subject.slow}
    available |= {"layouts": subject.layouts, "subnormals": setting.subnormals}
    arguments = {name: available[name] for name in test.wants if name in available}
    try:
        if "trial" in test.wants:
            _run_trial(test, arguments, Trial(subject, result.operation, setting), result)
            return
        for case in test.function(**arguments):
            dtype = case.dtype if isinstance(case, Case) else None
            if dtype and dtype not in subject.dtypes_of(case.operation):
                if dtype in subject.dtypes:
                    lacking = Missing((), f"DTYPES has no {dtype} for {case.operation}", put=False)
                    _entry(result, test, setting.readings, dtype, case.attributes).missing.append(lacking)
                continue
            if record and isinstance(case, Case) and not callable(case.grads):  # a closed loop has no vector form
                record(result.instance, case, setting)
            known = _known(result, test, setting.readings, dtype, _asked(case).attributes)
            answer = _ask(case, subject, setting, result, known)
            dtype = dtype if isinstance(case, Case) else subject.asked
            entry = _entry(result, test, setting.readings, dtype, _asked(case).attributes)
            if _note(entry, answer, _words(case)) and isinstance(case, Case) and not isinstance(answer, TookTooLong):
                entry.question = (case, setting)
    except Exception as error:  # a fault of the suite itself, never the subject's
        place = inspect.trace()[-1]
        text = f"{type(error).__name__} in {place.filename}:{place.lineno}: {error}"
        result.entry(test.name, setting.readings).fault = text


def _ask(
    case: Case | ErrorCase, subject: Subject, setting: Setting, result: Result, known: float = -1.0
) -> Finding | Exception:
    """Put one question; keep the answer for finding which wrong implementation answers alike.

    Args:
        case: the question.
        subject: who is asked.
        setting: the readings.
        result: that of the instance.
        known: the largest ratio of the questions before it, as ``compare`` has it.
    """
    try:
        if isinstance(case, ErrorCase):
            return case.run(subject, setting.told)
        got = case.ask(subject, setting.told)
    except (NotImplementedBySubject, ClauseFailed, Refused, HarnessError) as error:
        return error
    finding = case.judge(got, setting.told, subnormals=setting.subnormals, known=known)
    if len(result.answers) < ANSWERS_KEPT:
        result.answers.append((case, setting.told, got))
    return finding


def _asked(case: Case | ErrorCase) -> Case:
    """What is asked, and where something must be refused, the question that must be."""
    return case.bad if isinstance(case, ErrorCase) else case


def _words(case: Case | ErrorCase) -> tuple[str, ...]:
    """The attributes of a question, as they are named where it could not be asked."""
    return tuple(f"{name}={value}" for name, value in _asked(case).attributes.items())


def _entry(result: Result, test: Test, readings: dict, dtype: str | None, attributes: Mapping[str, Any]) -> Entry:
    """The entry that a question belongs to, by its attributes one that is judged apart."""
    return result.entry(test.name, readings, dtype, _apart(result, attributes))


def _apart(result: Result, attributes: Mapping[str, Any]) -> dict[str, str]:
    named = [(name, word) for name, words in result.apart.items() if name in attributes for word in words]
    return {n: word for n, word in named if is_value(word, attributes[n])}


def _known(result: Result, test: Test, readings: dict, dtype: str | None, attributes: Mapping[str, Any]) -> float:
    """The largest ratio in the entry that a question belongs to, so far."""
    found = result.found(test.name, readings, dtype, _apart(result, attributes))
    return found.finding.ratio if found and found.finding else 0.0


def _run_trial(test: Test, arguments: dict, trial: Trial, result: Result) -> None:
    """Let a test ask for itself; what it found until it ended counts, however it ended."""
    subject = trial.subject
    before, subject.asked, subject.given, ended = subject.calls, None, {}, None
    try:
        test.function(**arguments, trial=trial)
    except (NotImplementedBySubject, ClauseFailed, Refused, HarnessError) as error:
        ended = error
    except RELATING as error:
        if subject.calls == before or _breaks_for_the_oracle(test, arguments, trial):  # a fault of the test
            raise
        # A relation between answers of a wrong shape or without a name cannot even be computed.
        text = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
        ended = ClauseFailed(
            f"the answers of {result.operation} do not have the form the clause relates ({text}); "
            "see what its clauses on value and shape say"
        )
    found = [*trial.found, *([(subject.asked, subject.given, (), ended)] if ended else [])]
    again = not any(isinstance(what, TookTooLong) for *_, what in found)
    for dtype, attributes, words, what in found:
        entry = _entry(result, test, trial.readings, dtype, attributes)
        if _note(entry, what, words) and again:
            entry.question = (test, trial.setting)


def _breaks_for_the_oracle(test: Test, arguments: dict, trial: Trial) -> bool:
    """Whether a test that cannot relate the answers of a subject cannot relate right ones either."""
    if trial.subject.role == "mutant":  # what is known to be wrong is asked thousands of times
        return False
    known = trial.setting.readings.keys() & {a.name for a in _attributes_of(trial.operation)}
    if known != trial.setting.readings.keys():  # a reading that the oracle cannot be told
        return False
    oracle = Subject(joined(numpy_oracle), role="oracle")
    setting = replace(trial.setting, told=dict(trial.setting.readings))
    try:
        test.function(**arguments, trial=Trial(oracle, trial.operation, setting))
    except RELATING:
        return True
    except (NotImplementedBySubject, ClauseFailed, Refused, HarnessError):
        pass
    return False


def _attributes_of(operation: str) -> tuple[Attribute, ...]:
    declared = own_spec().operations.get(operation)
    return declared.attributes if declared else ()


def _note(entry: Entry, what: Finding | Exception, words: tuple[str, ...]) -> bool:
    """What a question came to: a comparison, or why there is none; returns whether it is the worst, and wrong."""
    if isinstance(what, NotImplementedBySubject):
        entry.missing.append(Missing(words, str(what), put=not isinstance(what, NotAsked)))
    elif isinstance(what, Finding | ClauseFailed | Refused):
        found = what if isinstance(what, Finding) else Finding(float("inf"), str(what), call=what.call)
        entry.note(found, words)
        return entry.finding is found and entry.failed
    else:
        entry.fault = entry.fault or str(what)
    return False
