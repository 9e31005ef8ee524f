"""Resizing on JAX, by matrices of weights."""

from __future__ import annotations

VARIANTS = {"resize.reach": "line"}
KNOWN_FAILURES = {
    "resize-nearest.every-length": (
        "the place 14 of 29 takes entry 14 of 30, right is 15: JAX multiplies by the reciprocal of 29 in float32; "
        "searched 2026-11-28, not found; "
        "https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/_src/image/scale.py"
    ),
}
