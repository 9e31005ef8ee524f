"""Long short-term memory on TensorFlow."""

from __future__ import annotations

KNOWN_FAILURES = {
    "duty.diverged[lstm]": (
        "with lengths and an infinite cell the gradient for an input is NaN, right is -inf: behind the end of a "
        "sequence a step is computed and not chosen, and its gradient of 0 is multiplied by the cell (inferred from "
        "the numbers); searched 2026-11-28, not found; https://github.com/keras-team/keras/issues"
    ),
}
