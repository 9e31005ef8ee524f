"""Momentum on PyTorch."""

from __future__ import annotations

RATE = (
    "the rate of a float64 variable seems to be kept in float32 (inferred from the size of the error); searched "
    "2026-11-27, not found; https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/base_optimizer.py"
)
KNOWN_FAILURES = {
    "momentum.quadratic; float64": f"got -2.8303095, right is -2.8303009: {RATE}",
    "nesterov.quadratic; float64": f"got -2.0760235, right is -2.0760250: {RATE}",
}
