"""Which conditions are met by a question whose answer is compared with expected numbers, in both plans of the duties.

The tests put the same questions to every subject, so that they are collected from the oracle's. A subject that computes
at once is asked the full plan, one that compiles the lean one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case
from nnspec_conformance.clauses import Spec
from nnspec_conformance.declarations import rows_of
from nnspec_conformance.engine import run_instance
from nnspec_conformance.errors import NotImplementedBySubject
from nnspec_conformance.holes.conditions import Question, met, possible
from nnspec_conformance.operations import Operation
from nnspec_conformance.setting import Setting
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import Suite
from nnspec_conformance.tolerance import Want

PLANS = ("full", "lean")
ASIDE = ("error", "shape", "cost")  # kinds of clauses that compare no numbers
FORMS_OF_VALUE = ("call", "trajectory")
# Of the tests that ask for themselves: what the answers of these are held to is more than that they agree with others.
DIFFERENCES = "duty.gradient"  # the gradient is compared with differences of the call
PATTERNS = {"duty.nan": "call", "duty.diverged": "vjp"}  # where NaN and infinity are in what the definition gives
NUMBERS = (
    "value",
    "gradient",
    "statistical",
    "trajectory",
    "convergence",
)  # kinds of a topic's own that state a number


@dataclass(frozen=True)
class Fact:
    """A condition of an operation: of its value, or of its gradient."""

    operation: str
    what: str
    condition: str


class Recording(Subject):
    """The oracle, that notes the questions of tests which ask for themselves, and answers no others."""

    def __init__(self, adapter: Any, spec: Spec, *, lean: bool):
        super().__init__(adapter, role="oracle")
        self.compiles, self.spec = lean, spec
        self.found: set[Fact] = set()
        self.clause: Any = None
        self.asks_for_itself = False

    # ---- tables of expected values
    def record(self, instance: str, case: Case, setting: Setting) -> None:
        """Note a question with its expected answer; no answer is needed."""
        telling = [tells(want) for want in wants(case.want)]
        operation = self.spec.operations.get(case.operation)
        if not telling or operation is None or case.what not in ("call", "trajectory", "gradient"):
            return
        what = "value" if case.what in FORMS_OF_VALUE else "gradient"
        told = case.attributes | setting.told
        self.note(what, Question(operation, case.arrays, told, case.cotangents, case.grads, case.rates, any(telling)))

    def note(self, what: str, question: Question) -> None:
        """Keep the conditions that a question meets."""
        self.found |= {Fact(question.operation.name, what, condition) for condition in met(question)}

    # ---- tests that ask for themselves
    def call(self, operation: str, *arrays: Any, **attributes: Any) -> Any:
        self._own("call", "value", operation, arrays, attributes)
        return super().call(operation, *arrays, **attributes)

    def vjp(self, operation: str, arrays: tuple, cotangents: Any, **attributes: Any) -> tuple:
        self._own("vjp", "gradient", operation, arrays, attributes, cotangents=cotangents)
        return super().vjp(operation, arrays, cotangents, **attributes)

    def trajectory(
        self, operation: str, params: dict, grads: Any, *, steps: int, rates: list | None = None, **hyper: Any
    ) -> list[dict]:
        self._own("trajectory", "value", operation, (params,), hyper, grads=grads, rates=rates)
        return super().trajectory(operation, params, grads, steps=steps, rates=rates, **hyper)

    def _own(self, how: str, what: str, operation: str, arrays: tuple, told: dict, **more: Any) -> None:
        declared = self.spec.operations.get(operation)
        if not self.asks_for_itself and not callable(more.get("grads")):
            raise NotImplementedBySubject("a question that is noted and not asked")
        if declared is None:
            return
        counts = (self.clause.kind in NUMBERS and not self.clause.forms) or callable(more.get("grads"))
        counts |= self.clause.id == DIFFERENCES and how == "vjp"
        if counts or PATTERNS.get(self.clause.id) == how:
            self.note(what, Question(declared, arrays, told, telling=counts, **more))


def wants(tree: Any) -> Iterator[Want]:
    """Every expected array of nested tuples, lists and dicts."""
    if isinstance(tree, Want):
        yield tree
    for part in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, tuple | list) else ():
        yield from wants(part)


def tells(want: Want) -> bool:
    """Whether a number other than zero is expected."""
    value = np.asarray(want.value, np.float64)
    return bool((np.isfinite(value) & (value != 0)).any())


def recorded(suite: Suite, adapter: Any, page: str, plan: str) -> set[Fact]:
    """What is met by the questions of one page in one plan."""
    subject = Recording(adapter, suite.spec, lean=plan == "lean")
    for instance, (clause, _) in suite.instances.items():
        if suite.page_of(instance) == page and clause.kind not in ASIDE:
            tests = suite.tests.get(clause.id, [])
            subject.clause = clause
            subject.asks_for_itself = any("trial" in test.wants for test in tests)
            if subject.asks_for_itself and clause.forms and clause.id not in (DIFFERENCES, *PATTERNS):
                continue
            run_instance(suite, subject, instance, record=subject.record)
    return subject.found


def expected(suite: Suite, adapter: Any, operation: Operation) -> dict[str, dict[str, str]]:
    """The conditions of an operation under which its value, and its gradient, could be asked, with their kinds."""
    told = {
        (clause.keyword, reading)
        for clause in suite.spec.governing(operation.name)
        for reading in adapter.VARIANTS.get(clause.id, ())
        if isinstance(adapter.VARIANTS.get(clause.id), tuple)
    }
    found = {"value": possible(operation, "value", sorted(told))}
    if has_gradient(operation):
        found["gradient"] = possible(operation, "gradient", sorted(told))
    return found


def has_gradient(operation: Operation) -> bool:
    """Whether a gradient of the operation can be asked for."""
    arrays = [row for argument in operation.arguments for row in rows_of(argument)]
    flows = any(row.dtype == "float" and row.gradient for row in rows_of(operation.result))
    moves = any(row.dtype == "float" and row.gradient for row in arrays)
    return (
        flows and moves and operation.form in ("map", "state map", "random map") and "gradient" not in operation.exempt
    )
