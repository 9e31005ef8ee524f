"""Steps on single examples, on PyTorch."""

from __future__ import annotations

KNOWN_FAILURES = {
    "gradient-descent.running-mean; float64": (
        "got -0.243054528, right is -0.243054516, the mean of 14 examples: the rate of a float64 variable is kept in "
        "float32, in which 1/3 is rounded (inferred from the size of the error); searched 2026-11-27, not found; "
        "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/base_optimizer.py"
    ),
}
