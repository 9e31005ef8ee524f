"""Wrong in one way that any gradient can be: it hides that the network has diverged."""

from __future__ import annotations

import warnings

import numpy as np

from nnspec_conformance.answers import at, by_place, held, replaced
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.fitting import may_be_any_number
from nnspec_conformance.home import Home
from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.mutants.duties.nan import of_floats, without_infinity, without_nan

MUTANTS = Mutants()
DUTY = "duty.diverged"


def gradients_with(name: str, number: float) -> list[np.ndarray]:
    """The right gradients of the other arrays with such a number in each in turn, where they are not 0 anyway."""
    home = Home(own_spec().operations[name], {})
    arrays, cotangents, found = home.arrays("float64"), home.cotangents("float64"), []
    vjp = getattr(ORACLE, f"{name}_vjp")
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        usual = by_place(arrays, vjp(*arrays, cotangents, **home.attributes))
        for place, array in held(home, arrays).items():
            if may_be_any_number(array):
                x = np.array(at(arrays, place))
                x.flat[x.size // 2] = number
                got = by_place(arrays, vjp(*replaced(arrays, {place: x}), cotangents, **home.attributes))
                found += [np.where(usual[other] == 0, 0.0, y) for other, y in got.items() if other != place]
    return found


WITH_INFINITE_GRADIENTS = [
    n for n in own_spec().clauses[DUTY].operations if any(np.isinf(y).any() for y in gradients_with(n, np.inf))
]


@MUTANTS.each("gradients are cleaned of NaN before the step, and nobody sees that the loss is one", DUTY, part="_vjp")
def hands_out_zero_for_a_gradient_of_nan(f, *arrays, **given):
    return of_floats(without_nan, f(*arrays, **given))


@MUTANTS.each("what comes from above is cleaned of NaN, and a broken loss trains on", DUTY, part="_vjp")
def reads_cotangents_of_nan_as_zero(f, *arrays, **given):
    *primals, cotangents = arrays
    return f(*primals, of_floats(without_nan, cotangents), **given)


@MUTANTS.each(
    "gradients are clipped on the way, and an infinite one looks like a large one",
    DUTY,
    operations=WITH_INFINITE_GRADIENTS,
    part="_vjp",
)
def hands_out_a_number_for_an_infinite_gradient(f, *arrays, **given):
    return of_floats(without_infinity, f(*arrays, **given))
