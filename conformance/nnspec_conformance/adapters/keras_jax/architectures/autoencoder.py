"""Draws on JAX, and what a penalty of strength 0 makes of a NaN."""

from __future__ import annotations

TAILS = (
    "in bfloat16 the fourth moment is 2.87, right is 3 within 0.115: the draw is made of a uniform number of that "
    "dtype, which has one of 128 values, so that nothing lies far out; https://github.com/jax-ml/jax/pull/26974"
)
LEFT_OUT = (
    "with a strength of 0 the penalty of a code with a NaN is 0, right is NaN: a sum whose factor is 0 is left out; "
    "searched 2026-11-30, not found; "
    "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/regularizers/regularizers.py"
)
KNOWN_FAILURES = {
    "reparametrize.moments; bfloat16": TAILS,
    "add-noise.moments; bfloat16": TAILS,
    "duty.nan[activity_penalty]": LEFT_OUT,
}
