"""Wrong in one way that any operation can be: arrays are broadcast against each other."""

from __future__ import annotations

import functools

import numpy as np

from nnspec_conformance.clauses import own_spec
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.refusals import of_shapes
from nnspec_conformance.shape_faults import Repair, each, fitted, fitting_steps, squeezed, stretched

MUTANTS = Mutants()
DUTY = "duty.broadcasting"
OWING = [own_spec().operations[name] for name in own_spec().clauses[DUTY].operations]


@functools.cache
def words_of(name: str) -> list[str]:
    """What is wrong with each question that an operation is asked."""
    attributes = own_spec().operations[name].attributes
    readings = {a.name: a.values[0] for a in attributes if a.readings}
    return [case.note for case in of_shapes(name, readings, broadcasting=True)]


def those(word: str, *, steppers: bool = False) -> list[str]:
    """The operations that are asked for some change; steppers or all others."""
    found = [o.name for o in OWING if (o.form == "stepper") == steppers]
    return [name for name in found if any(word in note for note in words_of(name))]


def has_a_last_array(name: str) -> bool:
    """Whether the last array of a call is asked for with an axis of length one."""
    last = own_spec().operations[name].arguments[-1].name
    return any(note.startswith(f"{last} with length one") for note in words_of(name))


def stepping(start, params, given, repair: Repair):
    operation = own_spec().operations[start.__name__]
    return fitting_steps(start(params, **given), params, operation, each(repair))


@MUTANTS.each("NumPy's rules repeat what has length one", DUTY, operations=those("length one"))
def repeats_an_axis_of_length_one(f, *arrays, **given):
    return f(*fitted(f.__name__, arrays, given, stretched), **given)


@MUTANTS.each(
    "one entry serves for all: the last array is filled up",
    DUTY,
    operations=filter(has_a_last_array, those("length one")),
)
def repeats_the_last_array(f, *arrays, **given):
    return f(*fitted(f.__name__, arrays, given, stretched, last_only=True), **given)


@MUTANTS.each(
    "arrays are reshaped before use, so that axes of length one go unseen", DUTY, operations=those("one axis more")
)
def drops_an_axis_too_many(f, *arrays, **given):
    return f(*fitted(f.__name__, arrays, given, squeezed), **given)


@MUTANTS.each(
    "NumPy's rules repeat what has length one",
    DUTY,
    operations=those("length one", steppers=True),
    name="repeats an axis of length one",
)
def repeats_an_axis_in_a_step(start, params, **given):
    return stepping(start, params, given, stretched)


@MUTANTS.each(
    "arrays are reshaped before use, so that axes of length one go unseen",
    DUTY,
    operations=those("one axis more", steppers=True),
    name="drops an axis too many",
)
def drops_an_axis_in_a_step(start, params, **given):
    return stepping(start, params, given, squeezed)


@MUTANTS.add(
    "a bias of one entry is taken, as declared, and so is a kernel of one unit beside a bias of several",
    "duty.broadcasting[dense]",
    variants={"dense.one-bias": "broadcast"},
)
def takes_a_kernel_of_one_unit(x, kernel, bias):
    kernel = np.broadcast_to(kernel, (len(kernel), max(kernel.shape[-1], bias.shape[0])))
    return right.dense(x, kernel, bias, one_bias="broadcast")
