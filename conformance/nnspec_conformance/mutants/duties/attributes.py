"""Wrong in one way that any operation with keywords can be: a keyword has no effect, or another one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.clauses import own_spec
from nnspec_conformance.dtypes import is_float
from nnspec_conformance.home import Home
from nnspec_conformance.keywords import changed, edges, together, with_defaults, with_long_numbers
from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.operations import Attribute, Operation
from nnspec_conformance.trees import mapped

MUTANTS = Mutants()
DUTY = "duty.attributes"
OWING = [own_spec().operations[name] for name in own_spec().clauses[DUTY].operations]


def keywords_of(operation: Operation, fits: Callable[[Attribute], object] = lambda attribute: True) -> list[Attribute]:
    """The keywords of an operation that are no readings, and with which it can be wrong in some way."""
    return [a for a in operation.attributes if not a.readings and fits(a)]


def those(fits: Callable[[Attribute], object], at_least: int = 1) -> list[str]:
    """The operations that have so many keywords of a kind."""
    return [operation.name for operation in OWING if len(keywords_of(operation, fits)) >= at_least]


def of(f: Callable) -> Operation:
    """The declaration of an oracle's function, or of its gradient."""
    return own_spec().operations[f.__name__.removesuffix("_vjp")]


def with_changed(f: Callable, given: dict[str, Any], fits: Callable, change: Callable) -> dict[str, Any]:
    """The keywords with ``change(attribute, value)`` in the place of those that fit."""
    names = {a.name: a for a in keywords_of(of(f), fits)}
    return {name: change(names[name], value) if name in names else value for name, value in given.items()}


# ---- kinds of keywords


def is_optional(attribute: Attribute) -> bool:
    return not attribute.required


def may_be_zero(attribute: Attribute) -> bool:
    """Whether it may be 0, from which its default is far."""
    known = attribute.kind == "number" and attribute.interval is not None and attribute.interval.contains(0.0)
    return bool(known and isinstance(attribute.default, float) and attribute.default > 1e-3)


def may_be_negative(attribute: Attribute) -> bool:
    return bool(attribute.kind == "number" and attribute.interval and attribute.interval.contains(-0.75))


def has_edges(attribute: Attribute) -> bool:
    return attribute.kind == "number" and bool(edges(attribute))


def is_number(attribute: Attribute) -> bool:
    return attribute.kind == "number"


def is_choice(attribute: Attribute) -> bool:
    return attribute.kind in ("choice", "flag") and not attribute.when and len(attribute.values) > 1


INDEPENDENT = [name for name in those(is_choice) if name != "parameter_count"]  # on whose choice all others depend


def may_be_left_out(operation: Operation) -> list[Attribute]:
    """The keywords that the duty leaves out, and of which another default can be told."""
    plain = Home(operation, {}).attributes
    return keywords_of(
        operation,
        lambda a: a.name not in plain and a.kind not in ("integer", "shape") and not a.when and other_default(a),
    )


def other_default(attribute: Attribute) -> list:
    return [value for value in attribute.values if value != attribute.default and attribute.default is not None]


# ---- several keywords at once

FLAT = ("top_k_probabilities", "nucleus_probabilities")  # beside other keywords one token is left: there is no slope


def where_keywords_meet(mutants: Mutants, story: str, duty: str, part: str, name: str, wrong: Callable) -> None:
    """Add what is wrong only beside several keywords that have another value than in the home question."""
    for operation in own_spec().clauses[duty].operations:
        home = Home(own_spec().operations[operation], {})
        if together(home) and operation not in FLAT:
            met = partial(_where_keywords_meet, home, wrong)
            mutants.each(story, duty, operations=(operation,), part=part, name=name)(met)


def _where_keywords_meet(home: Home, wrong: Callable, f, *arrays, **given):
    return wrong(f, *arrays, **given) if len(changed(home, given)) > 1 else f(*arrays, **given)


# ---- what a keyword does


@MUTANTS.each(
    "keywords are taken for the sake of other libraries, and never read",
    DUTY,
    operations=those(is_optional),
)
def ignores_its_keywords(f, *arrays, **given):
    optional = {a.name for a in keywords_of(of(f), is_optional)}
    return f(*arrays, **{name: value for name, value in given.items() if name not in optional})


@MUTANTS.each("`value or default` takes 0 for a keyword that was left out", DUTY, operations=those(may_be_zero))
def takes_zero_for_left_out(f, *arrays, **given):
    return f(*arrays, **with_changed(f, given, may_be_zero, lambda a, value: value or a.default))


@MUTANTS.each(
    "a negative number counts as a mistake of the caller, and loses its sign", DUTY, operations=those(may_be_negative)
)
def loses_the_sign_of_a_keyword(f, *arrays, **given):
    return f(*arrays, **with_changed(f, given, may_be_negative, lambda a, value: abs(value)))


@MUTANTS.each(
    "a kernel is compiled for the settings of the tests, and the nearest of them is taken",
    DUTY,
    operations=those(has_edges),
)
def knows_the_tested_numbers(f, *arrays, **given):
    def nearest(attribute, value):
        known = [*attribute.values, *([attribute.default] if isinstance(attribute.default, float) else [])]
        return min(known, key=lambda tested: abs(tested - value))

    return f(*arrays, **with_changed(f, given, has_edges, nearest))


@MUTANTS.each("the last branch of a choice was copied from the first", DUTY, operations=INDEPENDENT)
def takes_the_last_choice_for_the_first(f, *arrays, **given):
    def copied(attribute, value):
        return attribute.values[0] if value == attribute.values[-1] else value

    return f(*arrays, **with_changed(f, given, is_choice, copied))


@MUTANTS.each(
    "a default was changed, and whoever leaves the keyword out gets another function",
    DUTY,
    operations=[operation.name for operation in OWING if may_be_left_out(operation)],
)
def has_another_default(f, *arrays, **given):
    others = {a.name: other_default(a)[0] for a in may_be_left_out(of(f))}
    return f(*arrays, **others | given)


ROUNDED = "an attribute is a float32 number in the file of the model, whatever the dtype of the arrays is"
LONG = [operation.name for operation in OWING if with_long_numbers(Home(operation, {}))]
THRESHOLDS = ("triplet", "clamp", "clip_by_value", "soft_threshold")  # the number tells which slope, and not how steep


@MUTANTS.each(ROUNDED, DUTY, operations=LONG)
def keeps_its_numbers_as_float32(f, *arrays, **given):
    return f(*arrays, **with_changed(f, given, is_number, lambda a, value: float(np.float32(value))))


@MUTANTS.each(
    ROUNDED,
    DUTY,
    operations=[name for name in LONG if hasattr(ORACLE, f"{name}_vjp") and name not in THRESHOLDS],
    part="_vjp",
    name="keeps its numbers as float32 in the gradient",
)
def keeps_its_numbers_as_float32_in_the_gradient(f, *arrays, **given):
    return keeps_its_numbers_as_float32(f, *arrays, **given)


@MUTANTS.each(
    "two keywords together take the branch of the first alone",
    DUTY,
    operations=those(is_optional, at_least=2),
)
def reads_one_keyword_at_a_time(f, *arrays, **given):
    defaults = with_defaults(of(f), {})
    read = [a.name for a in keywords_of(of(f), is_optional) if given.get(a.name, a.default) != defaults.get(a.name)]
    return f(*arrays, **{name: value for name, value in given.items() if name not in read[1:]})


@MUTANTS.each(
    "the backward pass was written for one setting, while the call follows its keywords",
    DUTY,
    operations=[
        name for name in those(lambda a: a.kind == "number" or a.name == "activation") if hasattr(ORACLE, f"{name}_vjp")
    ],
    part="_vjp",
)
def has_the_gradient_of_one_setting(f, *arrays, **given):
    plain = Home(of(f), {}).attributes

    def fixed(attribute, value):
        return plain.get(attribute.name, attribute.default)

    return f(*arrays, **with_changed(f, given, lambda a: a.kind == "number" or a.name == "activation", fixed))


@MUTANTS.each(
    "the backward pass beside an optional array was never compared with anything",
    DUTY,
    operations=[
        operation.name
        for operation in OWING
        if Home(operation, {}).optional
        and hasattr(ORACLE, f"{operation.name}_vjp")
        and "gradient" not in operation.exempt
    ],
    part="_vjp",
)
def has_the_gradient_without_optional_arrays_right(f, *arrays, **given):
    made = f(*arrays, **given)
    if len(arrays) <= len(of(f).arguments):  # the cotangents are one more
        return made
    return mapped(lambda g: 1.5 * g if is_float(g) else g, made)
