"""Wrong in one way that any operation can be: right for the sizes that somebody tried, and for no others."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.axes import is_plain, is_star
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.declarations import rows_of
from nnspec_conformance.dtypes import is_float
from nnspec_conformance.home import Home
from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.operations import Array, Operation
from nnspec_conformance.sizes import Axes, few_examples, long_answer
from nnspec_conformance.trees import mapped

MUTANTS = Mutants()
DUTY = "duty.sizes"
OWING = [own_spec().operations[name] for name in own_spec().clauses[DUTY].operations]


def those(fits: Callable[[Operation], object]) -> list[str]:
    """The operations that owe the duty and can be wrong in some way."""
    return [operation.name for operation in OWING if fits(operation)]


def fewest_axes(operation: Operation) -> int:
    """How many axes the array of the result with most of them has, any number counted as none."""
    return max((sum(not is_star(axis) for axis in row.axes) for row in rows_of(operation.result)), default=0)


def has_leading_axes(operation: Operation) -> bool:
    return any(is_star(axis) and is_plain(axis) for row in rows_of(operation.result) for axis in row.axes)


def may_be_square(row: Array) -> bool:
    """Whether its last two axes have lengths of their own, which may be equal."""
    return len(row.axes) > 1 and all(map(is_plain, row.axes[-2:]))


def has_gradient(operation: Operation) -> bool:
    return hasattr(ORACLE, f"{operation.name}_vjp") and Home(operation, {}).is_differentiable


def of_numbers(wrong: Callable) -> Callable:
    """What is wrong with an array, in every array of numbers of an answer, or of what each step answers."""

    def of_array(y: np.ndarray) -> np.ndarray:
        return wrong(y) if is_float(y) or y.dtype.kind == "i" else y

    def applied(f, *arrays, **given):
        made = f(*arrays, **given)
        return (lambda *told: mapped(of_array, made(*told))) if callable(made) else mapped(of_array, made)

    return applied


def cut(y: np.ndarray, count: int) -> np.ndarray:
    """Zeros after so many entries; of indices, none."""
    y = np.array(y, order="C")  # else reshape may copy
    y.reshape(-1)[count:] = 0 if is_float(y) else -1
    return y


LEADING = those(has_leading_axes)
DIFFERENTIABLE = those(has_gradient)
ELEMENTWISE = those(lambda o: has_gradient(o) and not (of := Axes.of(Home(o, {}))).shared and of.elementwise)
OF_ONE = ("top_tokens",)  # asked for a single token: the last axis of its answer is one

# ---- how many entries


MUTANTS.each("written for a test of 16 elements: what lies beyond is left unwritten", DUTY, name="knows 16 elements")(
    of_numbers(lambda y: cut(y, 16))
)

MUTANTS.each(
    "a vectorized loop of 8 leaves the rest of an array unwritten", DUTY, name="leaves the remainder of a vector of 8"
)(of_numbers(lambda y: cut(y, y.size - y.size % 8)))

MUTANTS.each(
    "one launch covers 65,536 elements, and nobody launches another",
    DUTY,
    operations=LEADING,
    name="stops after 65536 elements",
)(of_numbers(lambda y: cut(y, 65536)))

MUTANTS.each(
    "one launch covers 65,536 rows, and nobody launches another",
    DUTY,
    operations=those(lambda o: o.form == "stepper" or few_examples(Home(o, {})) or long_answer(Home(o, {}))),
    name="stops after 65536 rows",
)(of_numbers(lambda y: cut(y, 65536 * math.prod(y.shape[1:]) if y.ndim else 1)))

MUTANTS.each(
    "the backward pass has a buffer for 32 elements",
    DUTY,
    operations=DIFFERENTIABLE,
    part="_vjp",
    name="knows 32 elements of a gradient",
)(of_numbers(lambda y: cut(y, 32)))

MUTANTS.each(
    "one launch of the backward pass covers 65,536 elements, and nobody launches another",
    DUTY,
    operations=ELEMENTWISE,
    part="_vjp",
    name="stops after 65536 elements of a gradient",
)(of_numbers(lambda y: cut(y, 65536)))

MUTANTS.each(
    "the backward pass for another dtype than float32 has a constant too few",
    DUTY,
    operations=DIFFERENTIABLE,
    part="_vjp",
    name="has the gradient of float32 alone right",
)(of_numbers(lambda g: g if g.dtype == np.float32 else 1.5 * g.astype(np.float64)))

# ---- how many axes


MUTANTS.each(
    "flattened for a loop, and never given its shape back",
    DUTY,
    operations=DIFFERENTIABLE,
    part="_vjp",
    name="returns a flat gradient",
)(of_numbers(np.ravel))


@MUTANTS.each("leading axes are flattened for one matrix product and never restored", DUTY, operations=LEADING)
def never_restores_the_leading_axes(f, *arrays, **given):
    axes = fewest_axes(own_spec().operations[f.__name__])
    y = f(*arrays, **given)
    return mapped(lambda part: part.reshape(-1, *part.shape[part.ndim - axes :]) if part.size else part, y)


MUTANTS.each(
    "axes of length one are dropped, and broadcasting hides it until the loss is wrong", DUTY, name="squeezes"
)(of_numbers(np.squeeze))

MUTANTS.each(
    "a square result is taken for the transposed one, as its shape fits",
    DUTY,
    operations=those(
        lambda o: o.name not in OF_ONE and (has_leading_axes(o) or any(map(may_be_square, rows_of(o.result))))
    ),
    name="transposes what is square",
)(of_numbers(lambda y: y.swapaxes(-1, -2) if y.ndim > 1 and y.shape[-1] == y.shape[-2] else y))

# ---- which entry is largest


@MUTANTS.each(
    "the maximum is looked for in all but the last entry, and the last exponential overflows",
    DUTY,
    operations=("softmax", "log_softmax"),
)
def looks_past_the_last_entry(f, x, *, axis=-1):
    last = np.moveaxis(x, axis, -1)
    highest = last[..., :-1].max(-1, keepdims=True, initial=-np.inf) if last.shape[-1] > 1 else last
    with np.errstate(all="ignore"):
        e = np.exp((last - highest).astype(np.float32))
        y = e / e.sum(-1, keepdims=True)
        y = np.log(y) if f.__name__ == "log_softmax" else y
    return np.moveaxis(y, -1, axis).astype(x.dtype)


MUTANTS.each(
    "a single example comes back as a batch of one",
    DUTY,
    operations=[name for name in LEADING if name in ("dense", "mlp", "neuron")],
)(classic.always_has_a_batch_axis)
