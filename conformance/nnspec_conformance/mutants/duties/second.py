"""Wrong in one way that any gradient of a gradient can be; the gradient itself is right."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path

import ml_dtypes
import numpy as np

from nnspec_conformance.answers import by_place
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.flat import float_places, regrouped
from nnspec_conformance.home import Home
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.mutants.duties.attributes import where_keywords_meet
from nnspec_conformance.operations import Operation, Place
from nnspec_conformance.trees import mapped

MUTANTS = Mutants()
DUTY = "duty.second"
PART = "_vjp_vjp"
OWING = [own_spec().operations[name] for name in own_spec().clauses[DUTY].operations]


def said_of(word: str) -> set[str]:
    """The operations that the topics' own lists of mutants call so.

    The modules are found by their pages and not imported above: what one topic says makes the kill tables of the
    others no older.
    """
    found: set[str] = set()
    for page in {operation.page for operation in OWING}:
        if (Path(__file__).parents[1] / f"{page}.py").is_file():
            module = import_module(f"nnspec_conformance.mutants.{page.replace('/', '.')}")
            found |= getattr(module.MUTANTS, word)
    return found


STRAIGHT, APART = said_of("straight"), said_of("apart")


def drop(gradient):
    return mapped(np.zeros_like, gradient)


def has_two_arrays(operation: Operation) -> bool:
    """Whether the gradient for one array may follow another one; arrays that a call may leave out are left out."""
    home = Home(operation, {})
    flowing = operation.gradient_places(home.lengths, home.given)
    places = [p for p in flowing if p.name is None and operation.arguments[p.argument].name not in home.without]
    return operation.name not in STRAIGHT | APART and len([p for p in places if p.argument < 2]) > 1


def left_out(operation: Operation) -> set[Place]:
    """Where a call has arrays with a gradient that it may leave out."""
    home = Home(operation, {}, complete=True)
    rows = operation.places(home.lengths, home.given)
    names = {place: {operation.arguments[place.argument].name, array.name} for place, array in rows.items()}
    flowing = {*operation.gradient_places(home.lengths, home.given)}
    return {place for place in flowing if names[place] & {*home.optional}}


CURVED = [operation.name for operation in OWING if operation.name not in STRAIGHT]
MIXED = [operation.name for operation in OWING if has_two_arrays(operation)]


@MUTANTS.each(
    "gradients are handed back as numbers, without what they were made of: a penalty on them teaches nothing",
    DUTY,
    part=PART,
)
def has_no_second_order(f, *arrays, **given):
    return drop(f(*arrays, **given))


where_keywords_meet(
    MUTANTS,
    "two keywords together take a branch of their own, through which nobody can differentiate twice",
    DUTY,
    PART,
    "has a second order for one keyword at a time",
    has_no_second_order,
)


@MUTANTS.each("a gradient penalty changes the weights in the wrong direction", DUTY, part=PART)
def has_the_other_sign_in_the_second_order(f, *arrays, **given):
    return mapped(np.negative, f(*arrays, **given))


@MUTANTS.each(
    "what was saved for the backward pass is detached, so that only the cotangents are seen",
    DUTY,
    operations=CURVED,
    part=PART,
)
def holds_what_was_saved(f, *arrays, **given):
    *gradients, by_cotangents = f(*arrays, **given)
    return (*drop(gradients), by_cotangents)


@MUTANTS.each(
    "the cotangents are detached, and what lies behind the operation is lost from the second order", DUTY, part=PART
)
def holds_the_cotangents(f, *arrays, **given):
    *gradients, by_cotangents = f(*arrays, **given)
    return (*gradients, drop(by_cotangents))


@MUTANTS.each(
    "the second backward pass leaves out the factor that comes from above", DUTY, operations=CURVED, part=PART
)
def forgets_the_cotangents_in_the_second_order(f, *arrays, **given):
    *inputs, cotangents, directions = arrays
    *gradients, _ = f(*inputs, mapped(np.ones_like, cotangents), directions, **given)
    return (*gradients, f(*arrays, **given)[-1])


@MUTANTS.each("two backward passes through one graph, the second added to the first", DUTY, part=PART)
def counts_the_second_order_twice(f, *arrays, **given):
    return mapped(lambda g: g + g, f(*arrays, **given))


@MUTANTS.each("the second backward pass runs in half precision, and so does a check in float64", DUTY, part=PART)
def rounds_the_second_order_to_half_precision(f, *arrays, **given):
    return mapped(lambda g: np.asarray(g.astype(ml_dtypes.bfloat16).astype(g.dtype)), f(*arrays, **given))


@MUTANTS.each(
    "each array sees its own gradient only: the mixed second derivatives are lost", DUTY, operations=MIXED, part=PART
)
def has_no_mixed_second_derivatives(f, *arrays, **given):
    *inputs, cotangents, directions = arrays
    places, found = [Place(*place) for place in float_places(tuple(inputs))], {}
    told = by_place(tuple(inputs), directions)
    for own in places:
        alone = [told[place] if place == own else np.zeros_like(told[place]) for place in places]
        *gradients, _ = f(*inputs, cotangents, regrouped(places, alone), **given)
        found[own] = by_place(tuple(inputs), tuple(gradients))[own]
    return (*regrouped(places, [found[place] for place in places]), f(*arrays, **given)[-1])


def without_second_order_for(optional: set[Place], f, *arrays, **given):
    *inputs, cotangents, directions = arrays
    places = [Place(*place) for place in float_places(tuple(inputs))]
    told = by_place(tuple(inputs), directions)
    kept = [np.zeros_like(told[place]) if place in optional else told[place] for place in places]
    return f(*inputs, cotangents, regrouped(places, kept), **given)


for _operation in filter(left_out, OWING):
    MUTANTS.each(
        "the gradient for an array that may be left out is handed back as a number: a penalty on it teaches nothing",
        DUTY,
        operations=(_operation.name,),
        part=PART,
        name="has no second order for what may be left out",
    )(partial(without_second_order_for, left_out(_operation)))
