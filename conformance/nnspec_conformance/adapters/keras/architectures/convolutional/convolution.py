"""The stock layers, ``Conv1D`` and ``Conv2D``, which pad by name alone."""

from __future__ import annotations

import functools

import keras


def convolution_1d(x, kernel, bias=None, **given):
    return _convolution(keras.layers.Conv1D, x, kernel, bias, given)


def convolution_2d(x, kernel, bias=None, **given):
    return _convolution(keras.layers.Conv2D, x, kernel, bias, given)


def _convolution(kind, x, kernel, bias, given):
    if "pads" in given:
        raise NotImplementedError("a layer pads by name alone")
    if given.get("padding") == "same_lower":
        raise NotImplementedError("no same_lower")
    if max(given.get("stride", (1,))) > 1 and max(given.get("dilation", (1,))) > 1:
        raise NotImplementedError("a layer refuses strides together with dilations")
    names = {"stride": "strides", "dilation": "dilation_rate"}
    named = {names.get(name, name): value for name, value in given.items()}
    layer = _built(
        kind, tuple(kernel.shape), bias is not None, keras.backend.standardize_dtype(x.dtype), tuple(x.shape),
        tuple(sorted(named.items())),
    )  # fmt: skip
    return layer.stateless_call([kernel] if bias is None else [kernel, bias], [], x)[0]


@functools.cache
def _built(kind, kernel, use_bias, dtype, shape, named):
    """Built for a shape; it is called with its weights."""
    layer = kind(kernel[-1], kernel[:-2], use_bias=use_bias, dtype=dtype, kernel_initializer="zeros", **dict(named))
    layer.build(shape)
    return layer
