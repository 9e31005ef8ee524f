"""The moving average on PyTorch."""

from __future__ import annotations

KNOWN_FAILURES = {
    "exponential-average.default; float64": (
        "the decay rate 0.99 of a float64 average is rounded to float32 on the way: got 0.16897077, right is "
        "0.16897070; https://github.com/keras-team/keras/blob/master/keras/src/optimizers/base_optimizer.py"
    ),
}
