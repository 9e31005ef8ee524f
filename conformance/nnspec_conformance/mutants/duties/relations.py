"""Wrong in one way that any operation can be: it drifted away from the operation that it is a case of."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import Mutants
from nnspec_conformance.trees import mapped

MUTANTS = Mutants()
DUTY = "duty.relations"


@MUTANTS.each("one of two implementations was scaled, and the other one was forgotten", DUTY)
def is_scaled_beside_its_relation(f, *arrays, **given):
    return mapped(lambda y: np.asarray(y * 1.25).astype(y.dtype), f(*arrays, **given))


@MUTANTS.each("one of two implementations takes the units in the other direction", DUTY)
def turns_the_last_axis_round_beside_its_relation(f, *arrays, **given):
    return mapped(lambda y: np.flip(y, -1).copy() if y.ndim else y, f(*arrays, **given))
