"""Wrong in one way that any operation on examples can be: an example learns something of the others."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.clauses import own_spec
from nnspec_conformance.declarations import rows_of
from nnspec_conformance.dtypes import is_float
from nnspec_conformance.home import Home
from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.operations import Operation
from nnspec_conformance.trees import leaves, mapped

MUTANTS = Mutants()
DUTY = "duty.neighbours"
OWING = [own_spec().operations[name] for name in own_spec().clauses[DUTY].operations]


def has_gradient_for_examples(operation: Operation) -> bool:
    """Whether the first gradient has a row for each example."""
    home = Home(operation, {}, leading=(5, 3))
    if not hasattr(ORACLE, f"{operation.name}_vjp") or not home.has_gradient:
        return False
    places = operation.places(home.lengths, home.given)
    first = next(array for array in places.values() if array.dtype == "float")
    return 0 in operation.example_axes(first, home.lengths, home.given)


def may_hold_nan(operation: Operation) -> bool:
    """Whether some array with examples is of floating-point numbers of any size."""
    home = Home(operation, {}, leading=(5, 3))
    rows = [a for a in operation.places(home.lengths, home.given).values() if a.dtype == "float"]
    free = [a for a in rows if a.interval is None and not a.values and not a.normalized]
    return any(operation.example_axes(a, home.lengths, home.given) for a in free)


def answers_with_numbers(operation: Operation) -> bool:
    """Whether its answer is of floating-point numbers, of which there is a mean; tokens are integers."""
    return any(array.dtype == "float" for array in rows_of(operation.result))


NUMBERS = [operation.name for operation in OWING if answers_with_numbers(operation)]
FLOWING = [operation.name for operation in OWING if has_gradient_for_examples(operation)]


def of_floats(function, tree):
    """``function`` of every floating-point array, dtypes kept; of tokens, where the answer has no other array."""
    of_any = not any(map(is_float, leaves(tree)))
    return mapped(lambda y: np.asarray(function(y)).astype(y.dtype) if of_any or is_float(y) else y, tree)


def wide(x):
    return x.astype(np.float64)


# ---- others' contents


@MUTANTS.each("a mean over the batch stayed in, as of a network left in training mode", DUTY, operations=NUMBERS)
def adds_a_mean_of_the_batch(f, *arrays, **given):
    return of_floats(lambda y: wide(y) + wide(y).mean(0) / 8, f(*arrays, **given))


@MUTANTS.each(
    "a check for NaN looks at the whole batch, and gives all of it up",
    DUTY,
    operations=[operation.name for operation in OWING if may_hold_nan(operation)],
)
def spoils_the_batch_for_one_nan(f, *arrays, **given):
    spoiled = any(np.isnan(wide(x)).any() for x in leaves(arrays) if is_float(x))
    return of_floats(lambda y: np.full_like(y, np.nan if is_float(y) else -1) if spoiled else y, f(*arrays, **given))


@MUTANTS.each(
    "a batch with NaN is given up, and its answers stay the zeros of a new array",
    DUTY,
    operations=[operation.name for operation in OWING if may_hold_nan(operation) and operation.name not in NUMBERS],
)
def answers_0_for_the_batch_for_one_nan(f, *arrays, **given):
    spoiled = any(np.isnan(wide(x)).any() for x in leaves(arrays) if is_float(x))
    return of_floats(lambda y: 0 * y if spoiled else y, f(*arrays, **given))


@MUTANTS.each(
    "a scaled loss overflowed for one example, and the gradients of the whole batch are given up",
    DUTY,
    operations=FLOWING,
    part="_vjp",
)
def spoils_the_gradients_for_nan_in_one_cotangent(f, *arrays, **given):
    spoiled = any(np.isnan(wide(x)).any() for x in leaves(arrays[-1]) if is_float(x))
    return of_floats(lambda g: np.full_like(g, np.nan) if spoiled else g, f(*arrays, **given))


@MUTANTS.each("the grid of a quantized answer is that of the largest number of the batch", DUTY, operations=NUMBERS)
def has_one_grid_for_the_batch(f, *arrays, **given):
    def on_the_grid(y):
        unit = np.nanmax(np.abs(wide(y)), initial=1e-9) / 16
        return (np.floor(wide(y) / unit) + 0.5) * unit

    return of_floats(on_the_grid, f(*arrays, **given))


@MUTANTS.each("the gradient of the batch's mean is taken off each example's", DUTY, operations=FLOWING, part="_vjp")
def centres_the_gradient(f, *arrays, **given):
    first, *others = f(*arrays, **given)
    return (np.asarray(wide(first) - wide(first).mean(0) / 8).astype(first.dtype), *others)


# ---- place and number


@MUTANTS.each("the place in the batch is taken for one in a sequence, and encoded", DUTY)
def adds_the_place_in_the_batch(f, *arrays, **given):
    def placed(y):
        return wide(y) + np.arange(len(y)).reshape(-1, *[1] * (y.ndim - 1))

    return of_floats(placed, f(*arrays, **given))


@MUTANTS.each("a batch of one is a special case, and nobody ever tried it", DUTY)
def doubles_a_single_example(f, *arrays, **given):
    return of_floats(lambda y: wide(y) * 2 + 1 if len(y) == 1 else y, f(*arrays, **given))
