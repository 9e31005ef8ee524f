"""The readings that the functions of ``keras.ops`` have on TensorFlow."""

from __future__ import annotations

VARIANTS = {
    "maximum.tie": "first",
    "clamp.at-bounds": "one",
    "norm.at-zero": "nan",
    "power.zero-exponent": "nan",
    "sqrt.zero-cotangent": "zero",  # the rule of the root gives 0 for a cotangent of 0
    "where.untaken-branch": "finite",  # therefore also with one selection
}
# Measured: at which input, got, right, and why.
KNOWN_FAILURES = {
    "duty.programs[embedding_lookup]": (
        "of a table that is cast from bfloat16 a gradient is -0.16796875, right is -0.169212431, and rounded once "
        "-0.16894531: the gradient of the cast rounds the rows, and adds those of one index only then; searched "
        "2026-11-28, not found; https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/math_grad.py"
    ),
}
