"""Dropout on the weights of an attention on TensorFlow, whose random numbers are of the dtype of the array."""

from __future__ import annotations

KNOWN_FAILURES = {
    "attention-dropout.fraction; bfloat16, float16": (
        "the rate 0.001 drops 0.0081 of the weights in bfloat16, right is 0.001: the random numbers are of that dtype, "
        "multiples of 1/128, and 0 is one of them; searched 2026-11-28, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_ops.py"
    ),
}
