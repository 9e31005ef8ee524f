"""Attention on TensorFlow."""

from __future__ import annotations

KNOWN_FAILURES = {
    "attention.one-key": (
        "with a single key the result is -0.528380275 in float32, right is the value, -0.528380334: the softmax of one "
        "score is 1 less an ulp; https://github.com/tensorflow/tensorflow/issues/116933"
    ),
    "duty.sizes[attention]; float64, float16": (
        "with a depth of 17 an entry is 0.006565144 in float64, right is 0.006565131: the scale is rounded to float32; "
        "in float16 a gradient is 0, right is 1.7e-7: those of the scores underflow; searched 2026-11-28, not found; "
        "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/tensorflow/nn.py"
    ),
}
