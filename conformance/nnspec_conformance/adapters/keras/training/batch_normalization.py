"""``BatchNormalization``, called with its weights and its running statistics."""

from __future__ import annotations

import keras

VARIANTS = {"batch-norm-update.variance": "biased"}
DEFAULTS = {
    "batch-norm.default-epsilon[batch_norm]": 1e-3,
    "batch-norm.default-epsilon[batch_norm_eval]": 1e-3,
    "batch-norm-update.default-decay": 0.99,
}


def batch_norm(x, scale=None, bias=None, **given):
    zeros = keras.ops.zeros(x.shape[-1:], dtype=x.dtype)
    return _called(x, zeros, zeros + 1, scale, bias, True, given)[0]


def batch_norm_eval(x, mean, variance, scale=None, bias=None, **given):
    return _called(x, mean, variance, scale, bias, False, given)[0]


def batch_norm_update(x, mean, variance, **given):
    return tuple(_called(x, mean, variance, None, None, True, given)[1])


def _called(x, mean, variance, scale, bias, training, given):
    named = {"momentum" if name == "decay" else name: value for name, value in given.items()}
    dtype = keras.backend.standardize_dtype(x.dtype)
    layer = keras.layers.BatchNormalization(scale=scale is not None, center=bias is not None, dtype=dtype, **named)
    layer.build(tuple(x.shape))
    weights = [weight for weight in (scale, bias) if weight is not None]
    return layer.stateless_call(weights, [mean, variance], x, training=training)
