"""What an operation's own clauses expect of arrays that they do not have: duties that need an oracle ask through it.

A test that hands a function to its verb states the answer for every array, with the oracle and the tolerance of its
clause. The first such question on the operation's page speaks for it; a stepper's is made by its ``Stepper``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance import steppers
from nnspec_conformance.cases import Case, Test, steps
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.flat import float_places
from nnspec_conformance.home import Home
from nnspec_conformance.keywords import with_defaults
from nnspec_conformance.rounded import at_most
from nnspec_conformance.tolerance import Shape, Want

KINDS = {"call": ("value", "exact"), "gradient": ("gradient", "exact")}  # of the clauses that state such an answer


def own_question(operation: str, what: str, readings: dict[str, str]) -> Case | None:
    """The first question of the operation's own clauses whose answer is stated for any arrays; None if there is none.

    Args:
        operation: its name; no stepper.
        what: ``call`` or ``gradient``.
        readings: the subject's, by keyword; the expected values are those of these readings.
    """
    return _own_question(operation, what, tuple(sorted(readings.items())))


@functools.lru_cache(maxsize=1024)
def _own_question(operation: str, what: str, readings: tuple) -> Case | None:
    with at_most(0):  # whoever takes the question states other arrays, and asks for their answer
        return next(_questions(operation, what, dict(readings)), None)


def _questions(operation: str, what: str, readings: dict[str, str]) -> Iterator[Case]:
    spec, tests, available = own_spec(), _tests(), {"operation": operation, "readings": readings, "lean": True}
    page = spec.operations[operation].page
    for clause in spec.clauses.values():
        if clause.page != page or clause.kind not in KINDS[what] or operation not in clause.operations:
            continue
        for test in tests.get(clause.id, []):
            if test.wants <= available.keys():
                for case in test.function(**{name: available[name] for name in test.wants}):
                    if isinstance(case, Case) and (case.operation, case.what) == (operation, what) and case.rule:
                        yield case


@functools.cache
def _tests() -> dict[str, list[Test]]:
    from nnspec_conformance.suite_loader import Suite, modules  # tests of duties import this module

    suite = Suite(own_spec())
    for module in modules("nnspec_conformance.suite"):
        suite.add(module)
    return suite.tests


def question(
    home: Home,
    what: str,
    dtype: str,
    *,
    changed: Callable[[tuple], tuple] = lambda arrays: arrays,
    steps: int = 3,
    **words: str,
) -> Case | None:
    """A question of the sizes of ``home`` with its expected answer; None if no clause states one.

    The keywords are those of the clause that speaks for the operation, unless ``home`` states some.

    Args:
        home: operation, readings, sizes and keywords.
        what: ``call`` or ``gradient``; of a stepper there are calls only.
        dtype: of the floating-point arrays.
        changed: what is made of the drawn arrays, of a stepper also of what each step is handed, before the answer is
            computed.
        steps: how many a stepper takes.
        words: ``note`` and ``may_refuse`` of the case.
    """
    operation = home.operation
    if operation.form == "stepper":
        return _steps(home, dtype, steps, changed, words) if what == "call" else None
    own = own_question(operation.name, what, dict(home.readings))
    if own is None or own.rule is None:
        return None
    there = home if home.keywords is not None else replace(home, keywords=own.attributes)
    arrays = changed(there.arrays(dtype))
    cotangents = cotangents_of(there, arrays, dtype) if what == "gradient" else None
    asked = arrays if cotangents is None else (*arrays, cotangents)
    want = own.rule(*asked, **with_defaults(operation, there.attributes))
    if what == "gradient":
        want = of_those_with_a_gradient(want, there, arrays)
    case = replace(own, arrays=arrays, cotangents=cotangents, attributes=there.attributes, want=want)
    return replace(case, **{"note": "", "may_refuse": ""} | words)


def of_those_with_a_gradient(want: Any, home: Home, arrays: tuple) -> Any:
    """The expected gradients, and any for arrays that are declared without one, as weights of examples are."""
    if not isinstance(want, tuple):
        return want
    held = list(dict.fromkeys(argument for argument, _ in float_places(arrays)))
    moving = {place.argument for place in home.operation.gradient_places(home.lengths, home.given)}
    found = [w if argument in moving else Shape(None) for argument, w in zip(held, want, strict=False)]
    return (*found, *(Shape(None) for argument in held[len(want) :] if argument not in moving))


def cotangents_of(home: Home, arrays: tuple, dtype: str) -> Any:
    """Cotangents for the declared result, or for the shape that a reading without a keyword gives it."""
    drawn = home.cotangents(dtype)
    if home.readings.keys() <= {attribute.name for attribute in home.operation.attributes}:
        return drawn
    value = own_question(home.operation.name, "call", dict(home.readings))
    told = with_defaults(home.operation, home.attributes)
    with at_most(0):
        want = value.rule(*arrays, **told) if value and value.rule else None
    return np.resize(drawn, want.value.shape) if isinstance(want, Want) and isinstance(drawn, np.ndarray) else drawn


def _steps(home: Home, dtype: str, count: int, changed: Callable[[tuple], tuple], words: dict[str, str]) -> Case:
    known = steppers.of(home.operation.name)
    params, *grads = changed((*home.arrays(dtype), *home.steps(dtype, count)))
    told = {k: v for k, v in home.readings.items() if k in inspect.signature(known.oracle).parameters}
    keywords = known.hyper if home.keywords is None else home.attributes
    hyper: dict[str, Any] = with_defaults(home.operation, keywords) | told
    want = known.expected(params, grads, dtype=dtype, **hyper)
    case = steps(known.operation, params, grads=grads, want=want, **keywords)
    return replace(case, **words)
