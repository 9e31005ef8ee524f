"""The stock layers, ``Conv1DTranspose`` and ``Conv2DTranspose``, whose kernels lie as [window, out, in]."""

from __future__ import annotations

import functools
from typing import Any

import keras

VARIANTS = {"transposed-convolution.short-window": "filled"}


def transposed_convolution_1d(x, kernel, bias=None, **given):
    return _transposed(keras.layers.Conv1DTranspose, x, kernel, bias, given)


def transposed_convolution_2d(x, kernel, bias=None, **given):
    return _transposed(keras.layers.Conv2DTranspose, x, kernel, bias, given)


def _transposed(kind, x, kernel, bias, given):
    if "pads" in given:
        raise NotImplementedError("a layer crops by name alone")
    if max(given.get("stride", (1,))) > 1 and max(given.get("dilation", (1,))) > 1:
        raise NotImplementedError("a layer refuses strides together with dilations")
    names = {"stride": "strides", "dilation": "dilation_rate"}
    named = {names.get(name, name): value for name, value in given.items()}
    swapped: Any = keras.ops.swapaxes(kernel, -1, -2)
    layer = _built(
        kind, tuple(swapped.shape), bias is not None, keras.backend.standardize_dtype(x.dtype), tuple(x.shape),
        tuple(sorted(named.items())),
    )  # fmt: skip
    return layer.stateless_call([swapped] if bias is None else [swapped, bias], [], x)[0]


@functools.cache
def _built(kind, kernel, use_bias, dtype, shape, named):
    """Built for a shape; it is called with its weights."""
    given = {"use_bias": use_bias, "dtype": dtype, "kernel_initializer": "zeros"} | dict(named)
    layer = kind(kernel[-2], kernel[:-2], **given)
    layer.build(shape)
    return layer
