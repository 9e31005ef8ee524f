"""Centred RMSprop on PyTorch."""

from __future__ import annotations

KNOWN_FAILURES = {
    "duty.attributes[centred_rmsprop]; decay_rate=0": (
        "with rho=0 it arrives at -12.610384 in float32, right is -12.6104173: the variance is 0, and rounding is all "
        "that is left of it; searched 2026-11-30, not found; "
        "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/rmsprop.py"
    ),
}
