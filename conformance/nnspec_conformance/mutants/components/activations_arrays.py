"""Activation functions that are wrong about the array and right about the numbers."""

from __future__ import annotations

import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.components.activations import ELEMENTWISE

MUTANTS = Mutants()


@MUTANTS.each("axes of length one are dropped, and broadcasting hides it until the loss is wrong", "activation.shape")
def squeezes_axes_of_length_one(f, x, **given):
    return np.squeeze(f(x, **given))


@MUTANTS.each("shifted by the row's maximum, as is right for softmax", "activation.elementwise")
def shifts_by_the_maximum_of_the_row(f, x, **given):
    return f(x - x.max(-1, keepdims=True) if x.ndim > 1 else x, **given)


@MUTANTS.each("a vectorized loop of 4 leaves the rest of an array unwritten", "activation.elementwise")
def leaves_the_remainder_of_a_vector(f, x, **given):
    y = np.zeros_like(x)
    whole = x.size - x.size % 4
    y.reshape(-1)[:whole] = f(x.reshape(-1)[:whole], **given)
    return y


MUTANTS.each("memory is read front to back, whatever the strides", "activation.elementwise")(
    classic.ignores_the_strides
)


@MUTANTS.each("one launch covers 65,536 elements, and nobody launches another", "activation.elementwise")
def stops_after_65536_elements(f, x, **given):
    y = np.array(f(x, **given))
    y.reshape(-1)[65536:] = 0
    return y


@MUTANTS.each("the mean over the batch belongs to the loss, and there only", "activation.gradient", part="_vjp")
def averages_over_the_batch(f, x, cotangents, **given):
    gradient = f(x, cotangents, **given)[0]
    return ((gradient / x.dtype.type(len(x))).astype(x.dtype) if x.ndim > 1 else gradient,)


MUTANTS.each(
    "memory is read front to back, whatever the strides", "activation.gradient", operations=ELEMENTWISE[1:], part="_vjp"
)(classic.ignores_the_strides)


@MUTANTS.each("a single number is not an array, so it has no gradient", "activation.gradient", part="_vjp")
def has_no_gradient_at_a_single_number(f, x, cotangents, **given):
    return f(x, cotangents, **given) if x.ndim else (np.zeros_like(x),)
