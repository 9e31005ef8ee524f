"""Keras' losses of margins on PyTorch."""

from __future__ import annotations

# In float16 the gradient is lost: the inverse of a long vector's length, to the third power, is subnormal or 0.
VARIANTS = {"margins.long-rows[cosine_loss]": "rounded"}

NARROW = (
    "in float64 the result is right to the digits of float32 only: a mean over the last axis and an inverse square "
    "root are computed in float32 (inferred from the numbers), as result_type makes float32 of float64; "
    "https://github.com/keras-team/keras/issues/23704"
)
KNOWN_FAILURES = {
    "cosine-loss.zero-vector-gradient": (
        "the gradient for a vector of zeros is NaN, right is a finite one: 1 / sqrt(0) is cut off at 1e7 in the value, "
        "and its slope is infinite; https://github.com/keras-team/keras/issues/23075"
    ),
    "duty.sizes[multiclass_hinge]; float16, bfloat16": (
        "a gradient is 0, right is 2.36132812 in float16: the label's score is multiplied by 0 before the maximum is "
        "taken, and counts as a rival; https://github.com/keras-team/keras/issues/8083"
    ),
    "hinge.value; float64": NARROW,
    "squared-hinge.value; float64": NARROW,
    "cosine-loss.second-derivative; float64": NARROW,
    "cosine-loss.sign; float64": NARROW,
    **{
        f"duty.{duty}[{name}]; float64": NARROW
        for name in ("hinge", "squared_hinge", "multiclass_hinge", "cosine_loss")
        for duty in ("linear", "sizes")
    },
}
