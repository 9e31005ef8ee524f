"""Duties: what every declared operation owes, whatever it computes, so that no topic has to write it again.

A duty is a clause ``duty.<name>`` of the page ``duties``, with the forms of the operations that owe it. Its instances
are ``duty.<name>[<operation>]``; each is told on the page that declares the operation and filed with that topic's
results. Its test stands in ``suite/duties``, its wrong implementations in ``mutants/duties``; both are generic, and
what they ask with comes from the declaration (``nnspec_conformance.home``). A duty has no oracle and no reference.

An operation says in its block which duty it does not owe, and why: ``exempt: {dtype: it answers with a word}``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nnspec_conformance.errors import SpecError, did_you_mean
from nnspec_conformance.fitting import can_broadcast, has_any_numbers, has_names, has_stated_answers
from nnspec_conformance.relations import called

if TYPE_CHECKING:
    from nnspec_conformance.clauses import Clause, Spec
    from nnspec_conformance.operations import Operation

PREFIX = "duty."
ABOUT = {  # what a duty can be about, if not every operation of its forms has it
    "arrays that could be broadcast": can_broadcast,
    "tables of arrays": has_names,
    "gradients that are those of the call": lambda operation: "gradient" not in operation.exempt,
    "numbers that may be anything": has_any_numbers,
    "gradients of numbers that may be anything": lambda operation: (
        has_any_numbers(operation) and not {"gradient", "nan"} & {*operation.exempt}
    ),
    "operations that others agree with": lambda operation: bool(operation.equals),
    "answers that are stated for any numbers": has_stated_answers,
    "keywords that are no readings": lambda operation: any(not a.readings for a in operation.attributes),
    "choices that are handed on": lambda operation: bool(operation.handed_on),
}


def resolve(spec: Spec) -> None:
    """Give every duty the operations that owe it, in the order of their pages.

    Raises:
        SpecError: nothing owes a duty, it is about nothing known, an operation is exempt from something that it does
            not owe, or equals what no operation gives.
    """
    duties = {clause.id.removeprefix(PREFIX): clause for clause in spec.clauses.values() if clause.forms}
    for duty in duties.values():
        if duty.about and duty.about not in ABOUT:
            raise _fault(spec, duty, f"clause {duty.id}: about '{duty.about}'; write one of: {', '.join(ABOUT)}")
    for operation in spec.operations.values():
        for text in operation.equals:
            if (name := called(text)) not in spec.operations:
                problem = f"operation {operation.name} equals '{text}', but there is no operation '{name}'"
                raise _fault(spec, operation, problem + did_you_mean(name, spec.operations))
        for name in operation.exempt:
            if name not in duties:
                raise _fault(
                    spec,
                    operation,
                    f"operation {operation.name} is exempt from '{name}', which is no duty{did_you_mean(name, duties)}",
                )
            if not _concerns(duties[name], operation):
                raise _fault(
                    spec, operation, f"operation {operation.name} does not owe '{name}' anyway; take it out of 'exempt'"
                )
    for name, duty in duties.items():
        owing = [o for o in spec.operations.values() if _concerns(duty, o) and name not in o.exempt]
        if not owing:
            raise _fault(spec, duty, f"clause {duty.id}: no operation owes it; its forms are {', '.join(duty.forms)}")
        topics = {operation.name: operation.page for operation in owing}
        spec.clauses[duty.id] = replace(duty, applies_to=tuple(topics), topics=topics)


def _concerns(duty: Clause, operation: Operation) -> bool:
    has = not duty.about or ABOUT[duty.about](operation)
    return operation.form in duty.forms and operation.family not in duty.apart and has


def _fault(spec: Spec, entry: Clause | Operation, problem: str) -> SpecError:
    return SpecError(spec.pages[entry.page].path, entry.line, problem)


def exempt(spec: Spec, duty: Clause) -> dict[str, str]:
    """The operations that do not owe a duty, with their reasons."""
    name = duty.id.removeprefix(PREFIX)
    return {o.name: o.exempt[name] for o in spec.operations.values() if name in o.exempt}
