"""Wrong in one way that any operation can be: what is not a number does not show."""

from __future__ import annotations

import warnings

import numpy as np

from nnspec_conformance.answers import held, replaced
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.dtypes import is_float
from nnspec_conformance.fitting import may_be_any_number
from nnspec_conformance.home import Home
from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.trees import leaves, mapped

MUTANTS = Mutants()
DUTY = "duty.nan"


def answers_to(name: str, number: float) -> list[np.ndarray]:
    """What the right one answers to arrays with one such number, in each array in turn."""
    home = Home(own_spec().operations[name], {})
    arrays, found = home.arrays("float64"), []
    for place, array in held(home, arrays).items():
        if may_be_any_number(array):
            x = np.array(arrays[place.argument] if place.name is None else arrays[place.argument][place.name])
            x.flat[x.size // 2] = number
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                found += leaves(getattr(ORACLE, name)(*replaced(arrays, {place: x}), **home.attributes))
    return found


OWING = own_spec().clauses[DUTY].operations
WITH_NAN = [name for name in OWING if any(np.isnan(y).any() for y in answers_to(name, np.nan))]
WITH_INFINITY = [name for name in OWING if any(np.isinf(y).any() for y in answers_to(name, np.inf))]


def of_floats(function, tree):
    return mapped(lambda x: np.asarray(function(x)).astype(x.dtype) if is_float(x) else x, tree)


def without_nan(x):
    return np.where(np.isnan(x.astype(np.float64)), np.zeros_like(x), x)


def without_infinity(x):
    return np.where(np.isinf(x.astype(np.float64)), np.full_like(x, 60000), x)


@MUTANTS.each("missing values are filled up with zeros before anything is computed", DUTY, operations=WITH_NAN)
def reads_nan_as_zero(f, *arrays, **given):
    return f(*of_floats(without_nan, arrays), **given)


@MUTANTS.each("NaN is filtered out of what is logged, and the run looks healthy", DUTY, operations=WITH_NAN)
def hands_out_zero_for_nan(f, *arrays, **given):
    return of_floats(without_nan, f(*arrays, **given))


@MUTANTS.each("an overflow is cut to a large number, and nobody sees it", DUTY, operations=WITH_INFINITY)
def hands_out_a_number_for_infinity(f, *arrays, **given):
    return of_floats(without_infinity, f(*arrays, **given))
