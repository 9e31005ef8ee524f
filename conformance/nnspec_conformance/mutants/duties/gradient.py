"""Wrong in one way that any gradient can be: it is not that of the call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from nnspec_conformance.clauses import own_spec
from nnspec_conformance.dtypes import is_float
from nnspec_conformance.flat import float_places
from nnspec_conformance.home import Home
from nnspec_conformance.mutant import ORACLE, Mutant, Mutants
from nnspec_conformance.mutants.duties.attributes import where_keywords_meet
from nnspec_conformance.operations import Operation
from nnspec_conformance.trees import leaves, mapped, rebuilt

MUTANTS = Mutants()
DUTY = "duty.gradient"
OWING = [own_spec().operations[name] for name in own_spec().clauses[DUTY].operations]


def has_far_slopes(operation: Operation) -> bool:
    """Whether the first array is data of any size."""
    first = operation.places(Home(operation, {}).lengths)
    array = next(array for place, array in first.items() if array.dtype == "float")
    is_data = operation.example_axes(array, Home(operation, {}).lengths)
    return bool(is_data) and array.interval is None and not array.normalized


def drop(gradient):
    return mapped(np.zeros_like, gradient)


# ---- the gradient


@MUTANTS.each("the gradient of minus the loss: every step goes uphill", DUTY, part="_vjp")
def has_the_other_sign(f, *arrays, **given):
    return mapped(np.negative, f(*arrays, **given))


@MUTANTS.each("a second backward pass adds to the first, and nobody set the gradients to zero", DUTY, part="_vjp")
def counts_the_gradient_twice(f, *arrays, **given):
    return mapped(lambda g: g + g, f(*arrays, **given))


where_keywords_meet(
    MUTANTS,
    "two keywords together take a branch of their own, and nobody compared its backward pass",
    DUTY,
    "_vjp",
    "has the gradient right for one keyword at a time",
    counts_the_gradient_twice,
)


@MUTANTS.each("the input is detached, and what lies before it learns nothing", DUTY, part="_vjp")
def loses_the_gradient_of_the_first_array(f, *arrays, **given):
    first, *others = f(*arrays, **given)
    return (drop(first), *others)


@MUTANTS.each("gradients are clipped on the way, where only the optimizer should do that", DUTY, part="_vjp")
def clips_the_gradient(f, *arrays, **given):
    return mapped(lambda g: np.clip(g, -1 / 64, 1 / 64), f(*arrays, **given))


@MUTANTS.each("the backward pass runs in half precision, and so does a check in float64", DUTY, part="_vjp")
def rounds_the_gradient_to_half_precision(f, *arrays, **given):
    return mapped(lambda g: g.astype(ml_dtypes.bfloat16).astype(g.dtype), f(*arrays, **given))


@MUTANTS.each(
    "large inputs count as saturated, and the gradient is cut off there",
    DUTY,
    operations=[operation.name for operation in OWING if has_far_slopes(operation)],
    part="_vjp",
)
def has_no_gradient_at_large_inputs(f, *arrays, **given):
    first, *others = f(*arrays, **given)
    data = next(x for x in arrays if getattr(x, "dtype", None) == first.dtype)
    return (np.where(np.abs(data) > 1, np.zeros_like(first), first), *others)


# ---- the call


@MUTANTS.each("a scale was added to the call, and the hand-written backward pass does not know it", DUTY)
def scales_the_call_alone(f, *arrays, **given):
    return mapped(lambda y: (y * 1.25).astype(y.dtype), f(*arrays, **given))


# ---- the answer that comes with it


def recording(operation: str, shift: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    """A gradient that records a call of the operation instead of one written by hand; the recorded answer is wrong."""
    f, slope = getattr(ORACLE, operation), getattr(ORACLE, f"{operation}_vjp")
    calls: list[tuple] = []

    def recorded(*arrays, **given):
        answer = f(*arrays, **given)
        if not calls:
            return answer
        calls[:] = [(arrays, given, answer)]
        return mapped(lambda y: np.asarray(shift(y)).astype(y.dtype) if is_float(y) else y, answer)

    def vjp(g, primals, cotangents):
        calls[:] = [()]
        products = g(*primals)
        ((arrays, given, answer),) = calls
        calls.clear()
        count = len(float_places(arrays))
        if len(primals) > count:  # with factors of the answer, for which the gradients are asked
            return (*primals[:count], *products)
        return tuple(leaves(slope(*arrays, rebuilt(answer, leaves(cotangents)), **given)))

    return {operation: recorded, "vjp": vjp, f"{operation}_vjp": None}


for _operation in OWING:
    MUTANTS.append(
        Mutant(
            "has another answer where a gradient is taken",
            "where a gradient is recorded another kernel runs, and training sees other numbers than the application",
            (f"{DUTY}[{_operation.name}]",),
            recording(_operation.name, lambda y: 4.0 * y),
        )
    )
