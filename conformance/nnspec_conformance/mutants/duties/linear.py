"""Wrong in one way that any gradient can be: it does not follow its cotangents."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from nnspec_conformance.mutant import Mutants
from nnspec_conformance.mutants.duties.attributes import where_keywords_meet
from nnspec_conformance.trees import leaves, mapped

MUTANTS = Mutants()
DUTY = "duty.linear"


def handed(f, arrays, cotangents, given):
    """The gradients for other cotangents; a single number is an array of rank 0."""
    return f(*arrays, mapped(np.asarray, cotangents), **given)


@MUTANTS.each("right only for positive cotangents: a root of their square", DUTY, part="_vjp")
def loses_the_sign_of_the_cotangents(f, *arrays, **given):
    *arrays, cotangents = arrays
    return handed(f, arrays, mapped(np.abs, cotangents), given)


where_keywords_meet(
    MUTANTS,
    "two keywords together take a branch of their own, which is right for positive cotangents",
    DUTY,
    "_vjp",
    "keeps the sign of the cotangents for one keyword at a time",
    loses_the_sign_of_the_cotangents,
)


@MUTANTS.each("what comes from above is taken to be 1, as at the end of a loss", DUTY, part="_vjp")
def ignores_the_cotangents(f, *arrays, **given):
    *arrays, cotangents = arrays
    return handed(f, arrays, mapped(np.ones_like, cotangents), given)


@MUTANTS.each("cotangents are clipped to the range of float16, as no scaled loss is larger", DUTY, part="_vjp")
def clips_the_cotangents(f, *arrays, **given):
    *arrays, cotangents = arrays
    return handed(f, arrays, mapped(lambda c: np.clip(c, -65504, 65504).astype(c.dtype), cotangents), given)


@MUTANTS.each("small cotangents count as zero, so that a deep network stops learning", DUTY, part="_vjp")
def drops_small_cotangents(f, *arrays, **given):
    *arrays, cotangents = arrays
    return handed(f, arrays, mapped(lambda c: np.where(np.abs(c) < 1e-9, np.zeros_like(c), c), cotangents), given)


@MUTANTS.each("cotangents are brought to a largest entry of 1", DUTY, part="_vjp")
def normalizes_the_cotangents(f, *arrays, **given):
    *arrays, cotangents = arrays
    largest = max([float(np.abs(c).max(initial=0)) for c in leaves(cotangents)]) or 1.0
    return handed(f, arrays, mapped(lambda c: (c / largest).astype(c.dtype), cotangents), given)


@MUTANTS.each("cotangents travel in half precision, and a test with 1 and 0.5 never sees it", DUTY, part="_vjp")
def rounds_the_cotangents_to_half_precision(f, *arrays, **given):
    *arrays, cotangents = arrays
    return handed(f, arrays, mapped(lambda c: c.astype(ml_dtypes.bfloat16).astype(c.dtype), cotangents), given)


@MUTANTS.each("a penalty on the size of the arrays is added in every backward pass", DUTY, part="_vjp")
def adds_a_penalty(f, *arrays, **given):
    return mapped(lambda g: np.asarray(g + 2.0**-10).astype(g.dtype), f(*arrays, **given))
