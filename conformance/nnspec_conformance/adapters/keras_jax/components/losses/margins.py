"""Keras' losses of margins on JAX."""

from __future__ import annotations

# In float16 the gradient is lost: the inverse of a long vector's length, to the third power, is subnormal or 0.
VARIANTS = {"margins.long-rows[cosine_loss]": "rounded"}

KNOWN_FAILURES = {
    "cosine-loss.zero-vector-gradient": (
        "the gradient for a vector of zeros is NaN, right is a finite one: 1 / sqrt(0) is cut off at 1e7 in the value, "
        "and its slope is infinite; https://github.com/keras-team/keras/issues/23075"
    ),
}
