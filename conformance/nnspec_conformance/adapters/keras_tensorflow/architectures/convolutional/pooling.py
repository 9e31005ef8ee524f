"""Pooling on TensorFlow."""

from __future__ import annotations

VARIANTS = {"pool.no-window": "empty"}
LOWEST = (
    "the maximum of (2.3, NaN) is 2.3, and that of minus infinity alone is -65504 in float16, right is NaN and minus "
    "infinity: it starts from the lowest finite number, and compares; "
    "https://github.com/tensorflow/tensorflow/issues/54841"
)
KNOWN_FAILURES = {
    "pool.nan[max_pool]": LOWEST,
    "duty.nan[max_pool]": LOWEST,
    "max-pool.minus-infinity": LOWEST,
    "pool.half-precision[average_pool]": (
        "the mean of eight entries of 60,000 in float16 is inf, right is 60,000: the sum is kept in float16 (inferred "
        "from the result); searched 2026-11-28, not found; https://github.com/tensorflow/tensorflow/issues"
    ),
}
