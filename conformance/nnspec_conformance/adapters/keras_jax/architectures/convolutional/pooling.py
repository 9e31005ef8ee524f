"""Pooling on JAX."""

from __future__ import annotations

VARIANTS = {"pool.no-window": "empty"}
KNOWN_FAILURES = {
    "pool.half-precision[average_pool]": (
        "the mean of eight entries of 60,000 in float16 is inf, right is 60,000: lax.reduce_window adds in float16; "
        "searched 2026-11-28, not found; "
        "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/jax/nn.py"
    )
}
