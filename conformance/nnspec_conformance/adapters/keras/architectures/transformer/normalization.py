"""``LayerNormalization`` and ``RMSNormalization``, called with their weights; an RMS norm always has a scale there."""

from __future__ import annotations

import keras

OPS = "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/ops/nn.py"
NEGATIVE = (
    "an epsilon of -2 is taken and gives NaN, right is a refusal: nothing looks at it; "
    f"searched 2026-11-28, not found; {OPS}"
)
UNTIDY = (
    "a row of eight times 3 gives 1.72803 for a shift of 1.72816, right is the shift: the layer computes x a + b with "
    f"b = -mean a, and one of them is rounded; searched 2026-11-28, not found; {OPS}"
)
KNOWN_FAILURES = {
    "normalization.epsilon-range[layer_norm]": NEGATIVE,
    "normalization.epsilon-range[rms_norm]": NEGATIVE,
}
DEFAULTS = {"normalization.default-epsilon[layer_norm]": 1e-3}


def layer_norm(x, scale=None, bias=None, **given):
    dtype = keras.backend.standardize_dtype(x.dtype)
    layer = keras.layers.LayerNormalization(scale=scale is not None, center=bias is not None, dtype=dtype, **given)
    return _called(layer, x, scale, bias)


def rms_norm(x, scale=None, **given):
    layer = keras.layers.RMSNormalization(dtype=keras.backend.standardize_dtype(x.dtype), **given)
    return _called(layer, x, keras.ops.ones(x.shape[-1:], dtype=layer.compute_dtype) if scale is None else scale)


def _called(layer, x, *weights):
    layer.build(tuple(x.shape))
    return layer.stateless_call([weight for weight in weights if weight is not None], [], x)[0]
