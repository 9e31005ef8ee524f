"""Dropout on TensorFlow, whose random numbers are of the dtype of the array."""

from __future__ import annotations

BOTH = ("dropout", "feature_dropout")
SEARCHED = (
    "searched 2026-11-28, not found; "
    "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_ops.py"
)
SHARE = (
    "the rate 0.001 drops 0.0079 of the entries in bfloat16 and 0.0020 in float16, right is 0.001: the random numbers "
    f"are of that dtype, multiples of 1/128 and of 1/1024, and 0 is one of them; {SEARCHED}"
)
NOTHING = (
    "the rate 0.999 keeps nothing in bfloat16, right is one entry in a thousand, as 1000: no random number of bfloat16 "
    f"lies between 0.999 and 1; {SEARCHED}"
)
KNOWN_FAILURES = {f"dropout.fraction[{operation}]; bfloat16, float16": SHARE for operation in BOTH} | {
    f"dropout.scale[{operation}]; bfloat16": NOTHING for operation in BOTH
}
