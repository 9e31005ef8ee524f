"""Wrong in one way that any operation can be: an answer in another dtype than was handed over."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.axes import is_star
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.declarations import rows_of
from nnspec_conformance.dtypes import is_float
from nnspec_conformance.home import Home, homes
from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.operations import Operation, Table
from nnspec_conformance.trees import leaves, mapped

MUTANTS = Mutants()
DUTY = "duty.dtype"
OWING = [own_spec().operations[name] for name in own_spec().clauses[DUTY].operations]


def those(fits: Callable[[Operation], object]) -> list[str]:
    """The operations that owe the duty and can be wrong in some way."""
    return [operation.name for operation in OWING if fits(operation)]


def answers_with(dtype: str) -> Callable[[Operation], bool]:
    return lambda operation: any(array.dtype == dtype for array in rows_of(operation.result))


def has(place: str) -> Callable[[Operation], bool]:
    return lambda operation: answers_with("float")(operation) and place in homes(operation, {})


def is_empty_without_examples(operation: Operation) -> bool:
    home = homes(operation, {}).get("no examples")
    return home is not None and any(0 in shape for shape in home.shapes())


def has_gradient(operation: Operation) -> bool:
    return hasattr(ORACLE, f"{operation.name}_vjp") and Home(operation, {}).has_gradient


def has_rows(operation: Operation) -> bool:
    """Whether the first floating-point array begins with axes of which there may be any number."""
    rows = (row for argument in operation.arguments for row in rows_of(argument))
    first = next((row for row in rows if row.dtype == "float"), None)
    return first is not None and bool(first.axes) and is_star(first.axes[0]) and has("more examples")(operation)


def fewest_axes(name: str) -> int:
    """How many axes the first floating-point array has at least."""
    rows = (row for argument in own_spec().operations[name].arguments for row in rows_of(argument))
    return sum(not is_star(axis) for axis in next(row for row in rows if row.dtype == "float").axes)


def wide(y):
    return y.astype(np.float64) if is_float(y) else y


FLOATS, STEPPERS = those(answers_with("float")), those(lambda operation: operation.form == "stepper")
TABLES = those(lambda operation: isinstance(operation.result, Table))
SEVERAL = those(
    lambda o: has_gradient(o) and Home(o, {}).is_differentiable and len(o.float_places(Home(o, {}).lengths)) > 1
)

# ---- answers


MUTANTS.each(
    "a float32 constant in the formula promotes half precision, and memory doubles",
    DUTY,
    operations=FLOATS,
    name="a float32 constant promotes half precision",
)(classic.promotes_half_precision)


@MUTANTS.each("NumPy makes float64 of what a Python loop has collected", DUTY, operations=FLOATS)
def answers_in_float64(f, *arrays, **given):
    return mapped(wide, f(*arrays, **given))


@MUTANTS.each("computed in the default dtype, float32, which is all that was ever tested", DUTY, operations=FLOATS)
def answers_in_float32(f, *arrays, **given):
    return mapped(lambda y: y.astype(np.float32) if is_float(y) else y, f(*arrays, **given))


@MUTANTS.each(
    "a single example is a special case, computed with Python's floats", DUTY, operations=those(has("a single example"))
)
def promotes_a_single_example(f, *arrays, **given):
    y = f(*arrays, **given)
    first = next(x for x in leaves(arrays) if is_float(x))
    return mapped(wide, y) if first.ndim == fewest_axes(f.__name__) else y


@MUTANTS.each(
    "a block of rows that does not fit is split, and what is put together again is in the default dtype",
    DUTY,
    operations=those(has_rows),
)
def promotes_beyond_six_rows(f, *arrays, **given):
    y = f(*arrays, **given)
    first = next(x for x in leaves(arrays) if is_float(x))
    return mapped(wide, y) if first.ndim and len(first) > 6 else y


@MUTANTS.each("an empty answer is made anew, in the default dtype", DUTY, operations=those(is_empty_without_examples))
def makes_an_empty_answer_anew(f, *arrays, **given):
    return mapped(lambda y: np.zeros(y.shape) if is_float(y) and not y.size else y, f(*arrays, **given))


@MUTANTS.each("the last array of a table is kept in float32 as a master copy", DUTY, operations=TABLES)
def keeps_the_last_array_in_float32(f, *arrays, **given):
    *others, last = f(*arrays, **given).items()
    return dict(others) | {last[0]: last[1].astype(np.float32)}


@MUTANTS.each(
    "optional arrays are made in float32, and promote", DUTY, operations=those(lambda o: Home(o, {}).optional)
)
def promotes_with_all_arrays(f, *arrays, **given):
    y = f(*arrays, **given)
    return mapped(wide, y) if len(arrays) == len(own_spec().operations[f.__name__].arguments) else y


@MUTANTS.each(
    "the sum over the examples is accumulated in float32, and handed back so",
    DUTY,
    operations=those(lambda o: any(a.name == "reduction" for a in o.attributes)),
)
def reduces_in_float32(f, *arrays, reduction, **given):
    y = f(*arrays, reduction=reduction, **given)
    return y if reduction == "none" else np.asarray(y, np.float32)


@MUTANTS.each("a count is the product of a list of floats", DUTY, operations=those(answers_with("integer")))
def counts_in_floating_point(f, *arrays, **given):
    return np.asarray(f(*arrays, **given), np.float64)


# ---- gradients


@MUTANTS.each("a mask of float64 promotes the gradient", DUTY, operations=those(has_gradient), part="_vjp")
def promotes_the_gradient(f, *arrays, **given):
    return mapped(wide, f(*arrays, **given))


@MUTANTS.each(
    "gradients of parameters are kept in float32, as mixed precision does", DUTY, operations=SEVERAL, part="_vjp"
)
def keeps_the_last_gradient_in_float32(f, *arrays, **given):
    *others, last = f(*arrays, **given)
    return (*others, mapped(lambda g: g.astype(np.float32), last))


# ---- steppers


@MUTANTS.each("parameters are kept in float32, and handed back so", DUTY, operations=STEPPERS)
def hands_back_its_float32_copy(start, params, **given):
    step = start(params, **given)
    return lambda *told: mapped(lambda p: p.astype(np.float32), step(*told))


@MUTANTS.each(
    "the first step keeps the dtype, and the state that it leaves promotes the second", DUTY, operations=STEPPERS
)
def promotes_from_the_second_step_on(start, params, **given):
    step, taken = start(params, **given), []

    def called(*told):
        taken.append(told)
        return mapped(wide, step(*told)) if len(taken) > 1 else step(*told)

    return called
