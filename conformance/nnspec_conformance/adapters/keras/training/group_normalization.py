"""``GroupNormalization``, called with its weights; with -1 groups it is an instance norm."""

from __future__ import annotations

import keras

LAYER = "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/layers/normalization/group_normalization.py"
UNTIDY = (
    "a group of eight times 3 gives -0.311523 for a shift of -0.311445, and an example of one place is off by a unit "
    "in the last place: right is the shift; the layer computes x a + b with b = -mean a, and one of them is rounded; "
    f"searched 2026-11-28, not found; {LAYER}"
)
NEGATIVE = (
    f"an epsilon of -1e-5 is taken, right is a refusal: nothing looks at it; searched 2026-11-28, not found; {LAYER}"
)
INFINITE = (
    "an infinity in the scale gives NaN where an infinity is right: the layer computes x a + b with b = -mean a, and "
    f"infinity minus infinity is NaN; searched 2026-11-28, not found; {LAYER}"
)
KNOWN_FAILURES = {
    "group-normalization.epsilon-range[group_norm]": NEGATIVE,
    "group-normalization.epsilon-range[instance_norm]": NEGATIVE,
}
DEFAULTS = {
    "group-normalization.default-epsilon[group_norm]": 1e-3,
    "group-normalization.default-epsilon[instance_norm]": 1e-3,
}


def group_norm(x, scale=None, bias=None, **given):
    dtype = keras.backend.standardize_dtype(x.dtype)
    layer = keras.layers.GroupNormalization(scale=scale is not None, center=bias is not None, dtype=dtype, **given)
    layer.build(tuple(x.shape))
    return layer.stateless_call([weight for weight in (scale, bias) if weight is not None], [], x)[0]


def instance_norm(x, scale=None, bias=None, **given):
    return group_norm(x, scale, bias, groups=-1, **given)
