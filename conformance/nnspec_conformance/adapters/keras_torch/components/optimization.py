"""The moving average on PyTorch."""

from __future__ import annotations

KNOWN_FAILURES = {
    "exponential-average.default; float64": (
        "the decay rate 0.99 of a float64 average seems to be rounded to float32 on the way (inferred from the size "
        "of the error): got 0.16897077, right is "
        "0.16897070; searched 2026-11-27, not found; "
        "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/base_optimizer.py"
    ),
}
