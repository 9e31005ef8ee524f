"""Attention on JAX, whose own function is called."""

from __future__ import annotations

VARIANTS = {"attention.integer-mask": "boolean", "attention.value-depth": "refused"}
KNOWN_FAILURES = {
    "duty.programs[attention]": (
        "compiled, with scores of 1e10, results are NaN, right is -0.1947: XLA computes the scores twice, once for "
        "their maximum, and rounds them otherwise, so that a score less the largest one is positive, and its "
        "exponential overflows; https://github.com/jax-ml/jax/issues/37234"
    ),
}
