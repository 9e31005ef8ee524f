"""Pooling on JAX."""

from __future__ import annotations

VARIANTS = {"pool.no-window": "empty"}
KNOWN_FAILURES = {
    "max-pool.nan-gradient": (
        "of the windows (1, NaN), (NaN, 2) and (2, 3), which overlap, with cotangents of 1, 10 and 100, the 2 gets 10, "
        "right is 0, and 11 for the NaN: the winner is searched by comparisons, and is what comes behind the NaN; "
        "searched 2026-11-30, not found; "
        "https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/_src/lax/windowed_reductions.py"
    ),
    "pool.half-precision[average_pool]": (
        "the mean of eight entries of 60,000 in float16 is inf, right is 60,000: lax.reduce_window adds in float16; "
        "searched 2026-11-28, not found; "
        "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/jax/nn.py"
    ),
}
