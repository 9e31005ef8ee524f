"""``optax.clip``, ``clip_by_block_rms`` and ``clip_by_global_norm``."""

from __future__ import annotations

import jax
import optax

VARIANTS = {
    "clip-by-norm.size": "root-mean-square",
    "clip-by-norm.infinite": "quotient",
    "clip-by-global-norm.infinite": "quotient",
}

UNCHECKED = (
    "the limit is used as it is, right is to refuse it: no range of a hyper-parameter is checked; "
    "https://github.com/google-deepmind/optax/blob/v0.2.8/optax/transforms/_clipping.py"
)
SLOPE = (
    "the derivative at a gradient of zeros is NaN, right is the identity: the root has an infinite slope there, which "
    "is multiplied by 0; https://github.com/google-deepmind/optax/blob/v0.2.8/optax/transforms/_clipping.py"
)
SQUARES = (
    "finite gradients of 3e37 become 0, right is to clip them: their squares overflow; "
    "https://github.com/google-deepmind/optax/blob/v0.2.8/optax/transforms/_clipping.py"
)
ZERO = (
    "with the limit 0 a gradient of zeros becomes NaN, right is 0: 0/0 is computed; "
    "https://github.com/google-deepmind/optax/pull/1752"
)
BLOCK_ZERO = (
    "with the limit 0 a gradient of zeros becomes NaN, right is 0: the root mean square is divided by the limit; "
    "https://github.com/google-deepmind/optax/blob/v0.2.8/optax/transforms/_clipping.py"
)
KNOWN_FAILURES = {
    f"{clause}[{operation}]": UNCHECKED
    for operation in ("clip_by_value", "clip_by_norm", "clip_by_global_norm")
    for clause in ("clip.negative-limit", "clip.nan-limit")
} | {
    "clip.derivative-at-zero[clip_by_norm]": SLOPE,
    "clip.derivative-at-zero[clip_by_global_norm]": SLOPE,
    "clip.range[clip_by_norm]": SQUARES,
    "clip.range[clip_by_global_norm]": SQUARES,
    "clip.limit-zero[clip_by_norm]": BLOCK_ZERO,
    "clip.limit-zero[clip_by_global_norm]": ZERO,
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
