"""Wrong in one way that any operation can be: it writes where others still read."""

from __future__ import annotations

import numpy as np

from nnspec_conformance import stepper_faults as faults
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.dtypes import is_float
from nnspec_conformance.home import Home
from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.trees import leaves, mapped

MUTANTS = Mutants()
DUTY = "duty.kept"
OWING = [own_spec().operations[name] for name in own_spec().clauses[DUTY].operations]
CALLED = [operation for operation in OWING if operation.form != "stepper"]
STEPPERS = [operation.name for operation in OWING if operation.form == "stepper"]
FLOWING = [o.name for o in CALLED if hasattr(ORACLE, f"{o.name}_vjp") and Home(o, {}).has_gradient]
BUFFERS: dict[tuple, np.ndarray] = {}


def doubled(x):
    if is_float(x):
        x[...] = x + x


def in_its_buffer(f, y, number):
    """The array in the buffer that a function has for this shape, which its next answer overwrites."""
    buffer = BUFFERS.setdefault((f.__name__, number, y.shape, str(y.dtype)), np.empty_like(y))
    buffer[...] = y
    return buffer


def in_buffers(f, answer):
    numbers = iter(range(len(leaves(answer))))
    return mapped(lambda y: in_its_buffer(f, y, next(numbers)), answer)


@MUTANTS.each(
    "scales its input in place, to save memory: who reads it again reads something else",
    DUTY,
    operations=[o.name for o in CALLED],
)
def overwrites_its_first_array(f, *arrays, **given):
    y = f(*arrays, **given)
    doubled(next(x for x in leaves(arrays) if is_float(x)))
    return y


@MUTANTS.each("answers lie in one buffer, which the next call overwrites", DUTY, operations=[o.name for o in CALLED])
def answers_in_a_buffer(f, *arrays, **given):
    return in_buffers(f, f(*arrays, **given))


@MUTANTS.each(
    "the cotangents are masked in place, and another branch of the graph reads them again",
    DUTY,
    operations=FLOWING,
    part="_vjp",
)
def overwrites_the_cotangents(f, *arrays, **given):
    gradients = f(*arrays, **given)
    mapped(doubled, arrays[-1])
    return gradients


@MUTANTS.each("gradients lie in one buffer, as if nobody kept the last ones", DUTY, operations=FLOWING, part="_vjp")
def hands_out_one_buffer_of_gradients(f, *arrays, **given):
    return in_buffers(f, f(*arrays, **given))


MUTANTS.each("gradients are clipped in place, and who logs their norm reads that of others", DUTY, operations=STEPPERS)(
    faults.clips_in_place
)
MUTANTS.each(
    "the average of the gradients begins as the first gradient itself, and the next step adds to it",
    DUTY,
    operations=STEPPERS,
)(faults.averages_in_the_first_gradient)
