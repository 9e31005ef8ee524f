"""Embedding on TensorFlow."""

from __future__ import annotations

VARIANTS = {"embedding.out-of-range": "refused"}
KNOWN_FAILURES = {
    "duty.programs[embedding]": (
        "of a table that is cast from bfloat16 a gradient is 0.625, right is 0.6284: the gradient of the cast rounds "
        "the rows, and adds those of one index only then; searched 2026-11-28, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/math_grad.py"
    ),
}
