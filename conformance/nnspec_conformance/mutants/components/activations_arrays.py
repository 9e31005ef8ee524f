"""Activation functions that are wrong about the array and right about the numbers."""

from __future__ import annotations

import functools

import numpy as np

from nnspec_conformance.mutants.components import activations
from nnspec_conformance.mutants.components.activations import ELEMENTWISE
from nnspec_conformance.mutation import Mutant

EVERY = (*ELEMENTWISE, "softmax", "log_softmax")
MUTANTS: list[Mutant] = []
family = functools.partial(activations.family, into=MUTANTS)


@family("activation.shape", EVERY, "axes of length one are dropped, and broadcasting hides it until the loss is wrong")
def squeezes_axes_of_length_one(f, x, **given):
    return np.squeeze(f(x, **given))


@family("activation.dtype", EVERY, "a float32 constant in the formula promotes half precision, and memory doubles")
def promotes_half_precision(f, x, **given):
    y = f(x, **given)
    return y.astype(np.float32) if x.dtype.itemsize == 2 else y


@family("activation.dtype", ELEMENTWISE, "a single number is read as a Python float, and comes back as float64")
def promotes_a_single_number(f, x, **given):
    y = f(x, **given)
    return y if x.ndim else np.asarray(float(y))


@family("activation.elementwise", ELEMENTWISE, "shifted by the row's maximum, as is right for softmax")
def shifts_by_the_maximum_of_the_row(f, x, **given):
    return f(x - x.max(-1, keepdims=True) if x.ndim > 1 else x, **given)


@family("activation.elementwise", ELEMENTWISE, "a vectorized loop of 4 leaves the rest of an array unwritten")
def leaves_the_remainder_of_a_vector(f, x, **given):
    y = np.zeros_like(x)
    whole = x.size - x.size % 4
    y.reshape(-1)[:whole] = f(x.reshape(-1)[:whole], **given)
    return y


@family("activation.elementwise", ELEMENTWISE, "memory is read front to back, whatever the strides")
def ignores_the_strides(f, x, **given):
    return f(x.ravel(order="K").reshape(x.shape), **given)


@family("activation.elementwise", ELEMENTWISE, "one launch covers 65,536 elements, and nobody launches another")
def stops_after_65536_elements(f, x, **given):
    y = np.array(f(x, **given))
    y.reshape(-1)[65536:] = 0
    return y


@family("activation.input-kept", EVERY, "in place, to save memory: who reads the input again reads the output")
def works_in_place(f, x, **given):
    x[...] = f(x, **given) + x.dtype.type(1)
    return x - x.dtype.type(1)


@family("activation.gradient", ELEMENTWISE, "the mean over the batch belongs to the loss, and there only", "_vjp")
def averages_over_the_batch(f, x, cotangents, **given):
    gradient = f(x, cotangents, **given)[0]
    return ((gradient / x.dtype.type(len(x))).astype(x.dtype) if x.ndim > 1 else gradient,)


@family("activation.gradient", ELEMENTWISE[1:], "memory is read front to back, whatever the strides", "_vjp")
def ignores_the_strides_in_the_gradient(f, x, cotangents, **given):
    return f(x.ravel(order="K").reshape(x.shape), cotangents, **given)


@family("activation.gradient", ELEMENTWISE, "a single number is not an array, so it has no gradient", "_vjp")
def has_no_gradient_at_a_single_number(f, x, cotangents, **given):
    return f(x, cotangents, **given) if x.ndim else (np.zeros_like(x),)


@family("activation.gradient-shape", EVERY, "flattened for a loop, and never given its shape back", "_vjp")
def returns_a_flat_gradient(f, x, cotangents, **given):
    return (f(x, cotangents, **given)[0].reshape(-1),)


@family("activation.gradient-shape", EVERY, "a mask or constant of float64 promotes the gradient", "_vjp")
def promotes_the_gradient(f, x, cotangents, **given):
    return (f(x, cotangents, **given)[0] * np.ones(x.shape),)


@family("activation.gradient-input-kept", EVERY, "the cotangents are masked in place: dx = dy; dx[x < 0] = 0", "_vjp")
def overwrites_the_cotangents(f, x, cotangents, **given):
    gradient = f(x, cotangents, **given)[0]
    cotangents[x < 0] = 0
    return (gradient,)
