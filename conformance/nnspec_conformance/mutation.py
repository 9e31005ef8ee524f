"""The kill table: each wrong implementation must be caught by the clause that it names, or the clause proves nothing.

A mutant is the NumPy oracle's adapter with one thing wrong. Every pair of readings of a clause with variants, and every
pair of candidates of a default, is a mutant for free: it declares one and does the other.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from nnspec_conformance.clauses import Clause
from nnspec_conformance.engine import run_instance
from nnspec_conformance.functions import fingerprint
from nnspec_conformance.mutant import ORACLE, Mutant
from nnspec_conformance.outcome import FAIL, Entry
from nnspec_conformance.suite_loader import Suite

LEAST_POWER = 10.0  # distance, in tolerances, below which a clause cannot tell its nearest wrong implementation
HALF = ("float16", "bfloat16")
PARTS = ("", "_vjp", "_vjp_vjp", "_second_derivative")  # the functions by which an adapter brings one operation


@dataclass(frozen=True)
class Kill:
    """What a clause made of a mutant.

    Attributes:
        instance: of the clause.
        mutant: the wrong implementation.
        caught: whether it failed.
        distance: error / allowed at its worst, in the dtype and the reading in which it shows least; in some it may be
            right. Half precision counts only where it shows in no other, and there the one in which it shows most.
        by_dtype: the same for each dtype in which it shows.
        message: what the suite said of it.
        broke: why its code could not run, which no clause has caught.
    """

    instance: str
    mutant: Mutant
    caught: bool
    distance: float
    by_dtype: dict[str, float]
    message: str | None
    broke: str | None = None


def with_keyword(function: Callable, keyword: str, value: Any) -> Callable:
    """The function with a keyword fixed, where it or anything that it wraps has that keyword."""
    layer: Callable | None = function
    while isinstance(layer, functools.partial):  # of one that passes a keyword on Python finds no signature
        layer = layer.func
    assert layer is not None
    passes_on = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(layer).parameters.values())
    while layer is not None and not passes_on:
        passes_on = keyword in inspect.signature(layer, follow_wrapped=False).parameters
        layer = layer.func if isinstance(layer, functools.partial) else getattr(layer, "__wrapped__", None)
    return functools.partial(function, **{keyword: value}) if passes_on else function


def _omitted(function: Callable, keyword: str, value: Any) -> Callable:
    """The function with another default for a keyword."""

    def call(*arrays: Any, **given: Any) -> Any:
        return function(*arrays, **({keyword: value} | given))

    return call


def parts_of(base: Any, operation: str) -> list[str]:
    """The names of the functions by which an adapter brings an operation."""
    return [operation + part for part in PARTS if hasattr(base, operation + part)]


def reading_pairs(clause: Clause, operation: str, base: Any = ORACLE) -> Iterator[Mutant]:
    """A mutant for each ordered pair of readings, or of a default's candidates."""
    kind, table = ("reading", "VARIANTS") if clause.variants else ("default", "DEFAULTS")
    omitted = "" if clause.variants else " where it is left out"
    wrap = with_keyword if clause.variants else _omitted
    values = list(clause.variants) or list(clause.candidates)
    for declared, done in itertools.permutations(values, 2):
        changes = {name: wrap(getattr(base, name), clause.keyword, done) for name in parts_of(base, operation)}
        declaration = {clause.instance(operation): declared}
        yield Mutant(
            name=f"says {clause.keyword} = {declared}, has {done}",
            story=f"the {kind} is {done}, not the declared {declared}",
            catches=(clause.instance(operation),),
            changes=changes,
            variants=declaration if clause.variants else {},
            defaults={} if clause.variants else declaration,
            base=base,
            done=done,
            advice=(
                f"{clause.keyword} = {done}{omitted}, not {declared}; if that is what you mean, "
                f"declare {table}['{clause.instance(operation)}'] = {done!r}"
            ),
        )


def module_mutants(suite: Suite) -> list[Mutant]:
    """Every hand-written mutant of the suite's mutant modules."""
    found: list[Mutant] = []
    for module in suite.mutant_modules:
        assert isinstance(module, ModuleType)
        found += module.MUTANTS
    return found


def mutants_of(suite: Suite, instance: str, base: Any = ORACLE) -> list[Mutant]:
    """The mutants that an instance must catch: hand-written ones and pairs of readings."""
    clause, operation = suite.instances[instance]
    written = [m for m in module_mutants(suite) if instance in m.catches]
    pairs = list(reading_pairs(clause, operation, base)) if clause.variants or clause.kind == "default" else []
    return written + pairs


def kill(suite: Suite, instance: str, mutant: Mutant) -> Kill:
    """Put one mutant to one instance."""
    result = run_instance(suite, mutant.subject(), instance)
    for entry in result.entries:
        if entry.fault:
            return Kill(instance, mutant, False, 0.0, {}, entry.fault, broke=entry.fault)
    shows = [entry for entry in result.entries if entry.failed]
    found = {d: _least_over_readings([e for e in shows if e.dtype == d]) for d in dict.fromkeys(e.dtype for e in shows)}
    decisive = [distance for dtype, distance in found.items() if dtype not in HALF]
    decisive = decisive or [max(found.values(), default=result.ratio)]
    by_dtype = {dtype: distance for dtype, distance in found.items() if dtype}
    return Kill(instance, mutant, result.outcome == FAIL, min(decisive), by_dtype, result.message)


def _least_over_readings(entries: list[Entry]) -> float:
    """The worst ratio under each combination of readings, and of these the least."""
    worst: dict[tuple, float] = {}
    for entry in entries:
        readings = tuple(sorted(entry.readings.items()))
        worst[readings] = max(worst.get(readings, 0.0), entry.finding.ratio if entry.finding else 0.0)
    return min(worst.values())


def kills_of(suite: Suite, instance: str) -> list[Kill]:
    """An instance's mutants and what became of them; its cases are made once for all of them."""
    clause, _ = suite.instances[instance]
    tests = suite.tests.get(clause.id, [])
    once = [test if "trial" in test.wants else replace(test, function=made_once(test.function)) for test in tests]
    prepared = replace(suite, tests=suite.tests | {clause.id: once})
    return [kill(prepared, instance, mutant) for mutant in mutants_of(suite, instance)]


def made_once(generator: Callable) -> Callable:
    """A test that makes its cases once for the same arguments. No subject changes them: each is handed copies."""
    made: dict = {}

    @functools.wraps(generator)
    def cases(**arguments: Any) -> list:
        key = fingerprint(arguments)
        if key not in made:
            made[key] = arguments, list(generator(**arguments))  # the arguments are held: a key may hold their ids
        return made[key][1]

    return cases


def kill_table(suite: Suite, instances: list[str] | None = None) -> dict[str, list[Kill]]:
    """Every instance with its mutants and what became of them."""
    return {name: kills_of(suite, name) for name in instances or suite.instances}


def power(kills: list[Kill]) -> float:
    """Distance of the nearest wrong implementation, in tolerances."""
    return min((k.distance for k in kills), default=0.0)


def blunt_dtypes(kills: list[Kill]) -> dict[str, float]:
    """The dtypes in which a mutant shows at less than the least power, each with the distance of the nearest."""
    found: dict[str, float] = {}
    for dtype, distance in (pair for k in kills for pair in k.by_dtype.items()):
        if distance < LEAST_POWER:
            found[dtype] = min(found.get(dtype, distance), distance)
    return found


def weak(suite: Suite, table: dict[str, list[Kill]]) -> list[str]:
    """One line for each MUST without a mutant, mutant not caught, or power below the least."""
    problems = []
    for instance, kills in table.items():
        clause, _ = suite.instances[instance]
        if not kills and clause.level.startswith("MUST") and clause.id not in suite.spec.untestable:
            problems.append(f"{instance}: no mutant; add one to mutants/{clause.page}.py")
        for k in kills:
            if k.broke:
                problems.append(f"{instance}: '{k.mutant.name}' cannot run, {k.broke}; mend the mutant")
            elif not k.caught:
                problems.append(f"{instance}: lets '{k.mutant.name}' pass; sharpen its test")
        if kills and all(k.caught for k in kills) and power(kills) < LEAST_POWER:
            nearest = min(kills, key=lambda k: k.distance)
            problems.append(
                f"{instance}: '{nearest.mutant.name}' is only {nearest.distance:.3g} tolerances away, "
                f"at least {LEAST_POWER:g} wanted; choose inputs on which it differs more"
            )
    return problems
