"""Wrong in one way that any operation with a table can be: its names are not all read."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnspec_conformance.clauses import own_spec
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.refusals import misspelt
from nnspec_conformance.shape_faults import fitting_steps, with_tables

MUTANTS = Mutants()
DUTY = "duty.names"
OWING = [own_spec().operations[name] for name in own_spec().clauses[DUTY].operations]
COUNTED = [o.name for o in OWING if any(isinstance(count, str) for count in o.indices.values())]


def repaired(f, arrays, given, repair: Callable[[dict, dict], dict]):
    """The right answer for repaired tables, or a stepper whose steps are handed repaired ones."""
    operation = own_spec().operations[f.__name__]
    answer = f(*with_tables(arrays, operation, given, repair), **given)
    return fitting_steps(answer, arrays[0], operation, repair) if operation.form == "stepper" else answer


@MUTANTS.each("what is missing keeps its start value, as in a checkpoint that is loaded without strictness", DUTY)
def takes_zeros_for_what_is_missing(f, *arrays, **given):
    def repair(table, shapes):
        like = next(iter(table.values()), np.zeros((), np.float32)).dtype
        return table | {name: np.zeros(shape, like) for name, shape in shapes.items() if name not in table}

    return repaired(f, arrays, given, repair)


@MUTANTS.each("names that nobody asks for are never looked at", DUTY)
def skips_names_that_it_does_not_know(f, *arrays, **given):
    return repaired(f, arrays, given, lambda table, shapes: {n: x for n, x in table.items() if n in shapes})


@MUTANTS.each("a loop over the layers ends with the last one that it expects", DUTY, operations=COUNTED)
def skips_what_lies_beyond_the_last_layer(f, *arrays, **given):
    def repair(table, shapes):
        numbers = {name.rpartition("_")[2] for name in shapes}
        return {n: x for n, x in table.items() if n.rpartition("_")[2] in numbers}

    return repaired(f, arrays, given, repair)


@MUTANTS.each("names are compared by how they begin", DUTY)
def takes_a_misspelt_name(f, *arrays, **given):
    def repair(table, shapes):
        right = {misspelt(name): name for name in shapes}
        return {right.get(name, name): x for name, x in table.items()}

    return repaired(f, arrays, given, repair)


@MUTANTS.each(
    "names are counted, not compared: a misspelt bias is missing, and what is missing is zero",
    DUTY,
)
def counts_the_names_and_takes_zeros(f, *arrays, **given):
    def repair(table, shapes):
        if len(table) != len(shapes) or next(iter(shapes)) not in table:
            return table
        like = next(iter(table.values())).dtype
        return {name: table.get(name, np.zeros(shape, like)) for name, shape in shapes.items()}

    return repaired(f, arrays, given, repair)
