"""Why an instance failed: the readings and the wrong implementations that answer as the subject did."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from nnspec_conformance.clauses import Clause
from nnspec_conformance.compare import compare, holds_numbers, ratios
from nnspec_conformance.identify import fit
from nnspec_conformance.mutant import ORACLE, Mutant
from nnspec_conformance.mutation import HALF, module_mutants, mutants_of, parts_of, reading_pairs, with_keyword
from nnspec_conformance.outcome import FAIL, Result
from nnspec_conformance.subject import Subject
from nnspec_conformance.subnormals import lost
from nnspec_conformance.suite_loader import Modules, Suite, modules
from nnspec_conformance.tolerance import Want, ulp

NOISE = 64  # units in the last place of 1: what is left where digits have cancelled is hardly more
ALIKE = 0.9  # share of the telling places at which an imitation must be wrong as the subject is


def explain(suite: Suite, subject: Subject, result: Result, base: Any = ORACLE) -> list[str]:
    """Readings and mutants that answer every question of a failed instance as the subject did.

    A reading of the clause itself fits, too, where the instance holds once the subject declares it.
    """
    if result.outcome != FAIL:
        return []
    operation, parts = result.operation, set(parts_of(base, result.operation))
    base = _read_as(suite, subject, operation, base)
    topics = of_topics(suite)  # which have all the mutants that a clause has to catch, but for a duty
    own = mutants_of(suite if result.clause.is_duty else topics, result.instance, base)
    governing = [c for c in suite.spec.governing(operation) if c.id != result.clause.id]
    readings = [m for c in governing for m in reading_pairs(c, operation, base)]  # they show in every clause on it
    small = lost(subject.subnormals, operation, {})
    decisive = _decisive(result, small)
    by_itself = _fits(Subject(base), decisive, small)  # then the oracle answers so too, and no mutation explains it

    def explains(mutant: Mutant) -> bool:
        pair = mutant.variants | mutant.defaults
        if by_itself and not pair:
            return False
        declared = (declared_values(suite, subject, suite.instances[name][0], operation) for name in pair)
        as_declared = all(value in known for value, known in zip(pair.values(), declared, strict=True))
        if not as_declared:
            return False
        return _fits(mutant.subject(), decisive, small) or _holds_with(suite, subject, result, mutant)

    fits = [*filter(explains, own)]
    if result.clause.kind == "shape":  # which tells no values apart
        return _texts(fits)
    tried = {*map(id, own)}
    for others in (topics, suite):  # others' bugs only if none of its own fits, and last what any operation can have
        if not fits:
            mutants = [m for m in module_mutants(others) if id(m) not in tried and parts & set(m.changes)]
            fits, tried = [*filter(explains, mutants)], tried | {*map(id, mutants)}
    return _texts([*fits, *filter(explains, readings)])


def _texts(mutants: list[Mutant]) -> list[str]:
    return list(dict.fromkeys(mutant.text for mutant in mutants))


def of_topics(suite: Suite) -> Suite:
    """The suite with the mutants of topics alone: to load those that any operation can have takes seconds."""
    if not isinstance(suite.mutant_modules, Modules):
        return suite
    return replace(suite, mutant_modules=list(_of_topics(suite.mutant_modules.package)))


@functools.cache
def _of_topics(package: str) -> tuple[ModuleType, ...]:
    below = pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}.")
    sections = [found.name for found in below if found.ispkg and not found.name.endswith(".duties")]
    return tuple(module for section in sorted(sections) for module in modules(section))


def _read_as(suite: Suite, subject: Subject, operation: str, base: Any) -> Any:
    """The adapter with the readings of an operation that the subject declares: a layout, for one, is no mistake."""
    functions = {name: getattr(base, name) for name in parts_of(base, operation)}
    for clause in suite.spec.governing(operation):
        (reading, *others) = declared_values(suite, subject, clause, operation)
        if not others and reading != clause.definition:
            functions = {name: with_keyword(f, clause.keyword, reading) for name, f in functions.items()}
    return SimpleNamespace(**vars(base) | functions)


def _holds_with(suite: Suite, subject: Subject, result: Result, pair: Mutant) -> bool:
    """Whether the instance holds where the subject declares the reading, or the default, that a pair of its own has."""
    if result.instance not in pair.variants | pair.defaults or not any(entry.cases for entry in result.entries):
        return False
    if len(declared_values(suite, subject, result.clause, result.operation)) > 1:  # it is told which
        return False
    return fit(suite, subject, {result.instance: pair.done}, [result.instance])


def _decisive(result: Result, small: Mapping[str, str]) -> list[tuple[Any, dict, Any]]:
    """The answers that decide: those in half precision only where none in another dtype is wrong.

    How a formula is rounded in half precision no two programs have in common.
    """
    wide = [(case, told, got) for case, told, got in result.answers if case.dtype not in HALF]
    seen = any(compare(got, case.want, subnormals=small).ratio > 1 for case, _, got in wide)
    return wide if seen else result.answers


def _fits(imitation: Subject, answers: list[tuple[Any, dict, Any]], small: Mapping[str, str]) -> bool:
    """Whether an implementation answers as the subject did, and wrongly too.

    Args:
        imitation: the implementation.
        answers: the subject's, with the questions.
        small: the dtypes in which the subject may lose numbers below the smallest normal one.
    """
    wrong = False
    for case, told, got in answers:
        try:
            answer = case.ask(imitation, told)
        except Exception:  # an imitation that cannot answer does not fit
            return False
        if not _alike(answer, got, case.want, small):
            return False
        wrong |= compare(answer, case.want).ratio > 1
    return wrong


def declared_values(suite: Suite, subject: Subject, clause: Clause, operation: str) -> tuple:
    """What the subject declares for a clause with variants or of kind default."""
    if clause.variants:
        declared = subject.reading(clause, operation)
        return declared if isinstance(declared, tuple) else (declared,)
    return (subject.settings(suite.spec, clause, operation)[0].default,)


def _alike(a: Any, b: Any, want: Any, small: Mapping[str, str]) -> bool:
    """Whether two answers, the first an imitation's, are the same within the tolerance of the question."""
    if isinstance(a, tuple | list):
        if not isinstance(b, tuple | list) or len(a) != len(b):
            return False
        wants = want if isinstance(want, tuple | list) and len(want) == len(a) else [None] * len(a)
        return all(_alike(x, y, w, small) for x, y, w in zip(a, b, wants, strict=True))
    if isinstance(a, dict):
        return (
            isinstance(b, dict)
            and set(a) == set(b)
            and all(_alike(a[k], b[k], want.get(k) if isinstance(want, dict) else None, small) for k in a)
        )
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray):
        return type(a) is type(b) and a == b
    if a.shape != b.shape:
        return False
    if not isinstance(want, Want):
        return str(a.dtype) == str(b.dtype)
    if not (holds_numbers(a) and holds_numbers(b)):
        return False
    return _numbers_alike(a.astype(np.float64), b.astype(np.float64), want, want.dtype in small)


def _numbers_alike(imitation: np.ndarray, came: np.ndarray, want: Want, loses: bool) -> bool:
    """Whether the numbers are the same within the tolerance, and a little more for exact ones.

    Where digits have cancelled what is left is noise, which no two programs have in common: there both must be wrong
    by about the same, and in one place of ten they may differ.
    """
    allowed = 8 * ulp(imitation, want.dtype)
    if want.value.shape != imitation.shape:  # both have the same wrong shape
        return bool((ratios(came, imitation, allowed, want.dtype)[0] <= 1).all())
    allowed = np.maximum(want.allowed, allowed) + (want.flushed if loses else 0.0)
    near = ratios(came, imitation, np.where(np.isfinite(imitation), allowed, 0.0), want.dtype)[0] <= 1
    wrong = ratios(imitation, want.value, want.allowed, want.dtype)[0] > 1
    with np.errstate(invalid="ignore"):
        off = np.abs(imitation - want.value)
        near |= wrong & (off <= NOISE * ulp(1.0, want.dtype)) & (np.abs(came - imitation) <= off / 2)
    telling = wrong | ~near
    return bool(near.all() or near[telling].mean() >= ALIKE)
