"""Losses of margins on TensorFlow."""

from __future__ import annotations

KNOWN_FAILURES = {
    "duty.sizes[multiclass_hinge]; float16, bfloat16, float64": (
        "a gradient is 0, right is 2.36105712 in float64: the label's score is multiplied by 0 before the maximum is "
        "taken, and counts as a rival; https://github.com/keras-team/keras/issues/8083"
    ),
}
