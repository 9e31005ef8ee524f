"""``optax.clip``, ``clip_by_block_rms`` and ``clip_by_global_norm``."""

from __future__ import annotations

import jax
import optax

VARIANTS = {
    "clip-by-norm.size": "root-mean-square",
    "clip-by-norm.infinite": "quotient",
    "clip-by-global-norm.infinite": "quotient",
}


@jax.jit
def clip_by_value(gradients, *, limit):
    return optax.clip(limit).update(gradients, optax.EmptyState())[0]


@jax.jit
def clip_by_norm(gradients, *, limit):
    return optax.clip_by_block_rms(limit).update(gradients, optax.EmptyState())[0]


@jax.jit
def clip_by_global_norm(gradients, *, limit):
    return optax.clip_by_global_norm(limit).update(gradients, optax.EmptyState())[0]
