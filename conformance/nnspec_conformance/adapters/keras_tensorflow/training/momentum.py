"""Momentum on TensorFlow."""

from __future__ import annotations

KNOWN_FAILURES = {
    "nesterov.quadratic; float64": (
        "got -2.0760237, right is -2.0760250: the rate of a float64 variable is kept in float32 (inferred from the "
        "size of the error); searched 2026-11-27, not found; "
        "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/base_optimizer.py"
    ),
}
