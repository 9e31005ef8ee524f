"""The reference's convolutions; they have no default padding."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp

from nnspec.architectures.convolutional import convolution


def convolution_1d(*arrays, **given):
    return _padded(convolution.convolution_1d, arrays, given)


def convolution_2d(*arrays, **given):
    return _padded(convolution.convolution_2d, arrays, given)


def convolution_1d_shape(*shapes, **given):
    return _shape(convolution.convolution_1d, shapes, given)


def convolution_2d_shape(*shapes, **given):
    return _shape(convolution.convolution_2d, shapes, given)


def _padded(f, arrays, given):
    if "padding" not in given:
        raise NotImplementedError("the reference has no default padding")
    return f(*arrays, **given)


def _shape(f, shapes, given):
    """The shape of a result by the rules of shapes alone, without compiling."""
    arrays = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes]
    return jax.eval_shape(functools.partial(f, **given), *arrays).shape
