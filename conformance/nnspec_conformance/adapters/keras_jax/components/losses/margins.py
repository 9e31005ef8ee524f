"""Keras' losses of margins on JAX."""

from __future__ import annotations

KNOWN_FAILURES = {
    "cosine-loss.zero-vector-gradient": (
        "the gradient for a vector of zeros is NaN, right is a finite one: 1 / sqrt(0) is cut off at 1e7 in the value, "
        "and its slope is infinite; https://github.com/keras-team/keras/issues/23075"
    ),
}
