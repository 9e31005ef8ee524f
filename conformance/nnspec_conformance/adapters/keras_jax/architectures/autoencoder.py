"""Draws on JAX."""

from __future__ import annotations

TAILS = (
    "in bfloat16 the fourth moment is 2.87, right is 3 within 0.115: the draw is made of a uniform number of that "
    "dtype, which has one of 128 values, so that nothing lies far out; https://github.com/jax-ml/jax/pull/26974"
)
KNOWN_FAILURES = {"reparametrize.moments; bfloat16": TAILS}
