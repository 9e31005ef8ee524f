"""Penalties on TensorFlow."""

from __future__ import annotations

SOURCE = (
    "searched 2026-11-28, not found; "
    "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/tensorflow/nn.py"
)
VARIANTS = {"max-norm.long-sums": "rounded"}  # in float16 a sum of squares stops growing: six times the limit is left
KNOWN_FAILURES = {
    "soft-threshold.range": f"a threshold of -0.5 is taken, right is to refuse it: no range is checked; {SOURCE}",
    "duty.nan[soft_threshold]": f"NaN becomes 0, right is NaN: it is on no side of the threshold; {SOURCE}",
}
