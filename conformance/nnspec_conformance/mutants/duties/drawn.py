"""Wrong in one way that any random map can be: what it answers cannot be drawn, or is not drawn anew."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnspec_conformance.clauses import own_spec
from nnspec_conformance.declarations import rows_of
from nnspec_conformance.drawn import Drawn, drawn
from nnspec_conformance.home import Home
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.mutants.duties.layouts import front_to_back
from nnspec_conformance.operations import Operation
from nnspec_conformance.sizes import Axes
from nnspec_conformance.trees import mapped

MUTANTS = Mutants()
DUTY = "duty.drawn"
OWING = [own_spec().operations[name] for name in own_spec().clauses[DUTY].operations]


def seen(operation: Operation, arrays: Callable[[tuple], tuple] = lambda arrays: arrays) -> list[Drawn]:
    home = Home(operation, {})
    return drawn(home, arrays(home.arrays("float32")))


def has_rows(name: str) -> bool:
    """Whether an operation is asked with a batch, or an array, of any size."""
    axes = Axes.of(Home(own_spec().operations[name], {}))
    return axes.elementwise or axes.separate


def broken(arrays: tuple) -> tuple:
    """NaN in the first array."""
    x = np.array(arrays[0])
    x.reshape(-1)[0] = np.nan
    return (x, *arrays[1:])


FLOATS = [o.name for o in OWING if all(row.dtype == "float" for row in rows_of(o.result))]
PAIRS = [o.name for o in OWING if any(one.pair.mean() > 0.5 for one in seen(o))]
ROWS = [name for name in FLOATS if has_rows(name)]
KEYWORDS = [o.name for o in OWING if any(not a.readings and a.kind in ("number", "flag") for a in o.attributes)]
WITH_NAN = [o.name for o in OWING if o.name in FLOATS and any((one.broken > 0).any() for one in seen(o, broken))]


def cut(count: int) -> Callable:
    """Zeros after so many entries of every array."""

    def applied(f, *arrays, **given):
        def one(y: np.ndarray) -> np.ndarray:
            y = np.array(y, order="C")
            y.reshape(-1)[count:] = 0
            return y

        return mapped(one, f(*arrays, **given))

    return applied


MUTANTS.each("written for a test of 16 elements: what lies beyond is zero", DUTY, name="draws 16 elements")(cut(16))

MUTANTS.each(
    "one launch draws 65,536 numbers, and nobody launches another", DUTY, operations=ROWS, name="draws 65536 elements"
)(cut(65536))


@MUTANTS.each("a generator that is set to the same seed at every call", DUTY)
def draws_the_same_at_every_call(f, *arrays, **given):
    return f(*arrays, **given | {"seed": 0})


@MUTANTS.each(
    "the factor for what is left is applied twice where a layer is wrapped in another", DUTY, operations=PAIRS
)
def is_scaled_once_more(f, *arrays, **given):
    return mapped(lambda y: np.asarray(y * 1.25).astype(y.dtype), f(*arrays, **given))


@MUTANTS.each("leading axes are flattened before numbers are drawn, and never restored", DUTY)
def draws_in_a_flat_array(f, *arrays, **given):
    return mapped(np.ravel, f(*arrays, **given))


@MUTANTS.each("a keyword is kept from the first call that anyone tried", DUTY, operations=KEYWORDS)
def keeps_its_keywords(f, *arrays, **given):
    home = Home(own_spec().operations[f.__name__], {})
    return f(*arrays, **given | {name: told for name, told in home.attributes.items() if name != "seed"})


@MUTANTS.each("memory is read front to back, whatever the strides", DUTY, operations=FLOATS)
def draws_beside_the_strides(f, *arrays, **given):
    return f(*mapped(front_to_back, arrays), **given)


@MUTANTS.each("what is not a number is taken for what was dropped", DUTY, operations=WITH_NAN)
def drops_nan(f, *arrays, **given):
    return mapped(lambda y: np.where(np.isnan(y.astype(np.float64)), np.zeros_like(y), y), f(*arrays, **given))
