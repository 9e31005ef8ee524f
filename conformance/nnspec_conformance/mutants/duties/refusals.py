"""Wrong in one way that any operation can be: what cannot be meant is taken."""

from __future__ import annotations

from nnspec_conformance.clauses import own_spec
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.operations import Operation
from nnspec_conformance.refusals import of_shapes, unknown_keywords
from nnspec_conformance.shape_faults import cut, each, fitted, fitting_steps

MUTANTS = Mutants()
DUTY = "duty.refusals"
OWING = [own_spec().operations[name] for name in own_spec().clauses[DUTY].operations]
STEPPERS = [operation.name for operation in OWING if operation.form == "stepper"]


def has_lengths(operation: Operation) -> bool:
    """Whether some length of a call can be wrong."""
    readings = {a.name: a.values[0] for a in operation.attributes if a.readings}
    return any(of_shapes(operation.name, readings, broadcasting=False))


@MUTANTS.each(
    "a loop runs over the entries of one array, and what the other has more is never read",
    DUTY,
    operations=[o.name for o in OWING if o.form != "stepper" and has_lengths(o)],
)
def reads_as_many_entries_as_it_needs(f, *arrays, **given):
    return f(*fitted(f.__name__, arrays, given, cut), **given)


@MUTANTS.each(
    "a loop runs over the entries of one array, and what the other has more is never read",
    DUTY,
    operations=STEPPERS,
    name="reads as many entries as it needs",
)
def reads_as_much_as_the_parameters_have(start, params, **given):
    operation = own_spec().operations[start.__name__]
    return fitting_steps(start(params, **given), params, operation, each(cut))


@MUTANTS.each("keywords are collected and looked up, so that a misspelt one leaves the default", DUTY)
def ignores_keywords_that_it_does_not_know(f, *arrays, **given):
    strange = unknown_keywords(own_spec().operations[f.__name__])
    return f(*arrays, **{name: value for name, value in given.items() if name not in strange})
