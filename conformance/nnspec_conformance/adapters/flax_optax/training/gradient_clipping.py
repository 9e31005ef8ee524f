"""``optax.clip``, ``clip_by_block_rms`` and ``clip_by_global_norm``."""

from __future__ import annotations

import jax
import optax

VARIANTS = {
    "clip-by-norm.size": "root-mean-square",
    "clip-by-norm.infinite": "quotient",
    "clip-by-global-norm.infinite": "quotient",
}

SOURCE = (
    "searched 2026-11-27, not found; https://github.com/google-deepmind/optax/blob/v0.2.8/optax/transforms/_clipping.py"
)


def _negative(got):
    return f"(3, 4) with the limit -1 becomes {got}, right is to refuse it: no range is checked; {SOURCE}"


# Measured: at which input, got, right, and why.
NAN = f"(3, 4) with the limit NaN becomes NaN, right is to refuse it: no range is checked; {SOURCE}"
SLOPE = (
    "the derivative at (0, 0) is NaN, right is the identity: the root has an infinite slope there, which is multiplied "
    f"by 0; {SOURCE}"
)
SQUARES = (
    "(3e19, 4e19) with the limit 1 becomes (0, 0) in float32, and (300, 400) in float16, right is to clip them: their "
    f"squares overflow; {SOURCE}"
)
ZERO = (
    "with the limit 0 a gradient of zeros becomes NaN, right is 0: 0/0 is computed; "
    "https://github.com/google-deepmind/optax/pull/1752"
)
BLOCK_ZERO = (
    "with the limit 0 a gradient of zeros becomes NaN, right is 0: the root mean square is divided by the limit; "
    "searched 2026-11-27, not found for this function, the same in another is "
    "https://github.com/google-deepmind/optax/pull/1752"
)
KNOWN_FAILURES = {
    "clip.derivative-at-zero[clip_by_norm]": SLOPE,
    "clip.derivative-at-zero[clip_by_global_norm]": SLOPE,
    "clip.range[clip_by_norm]": SQUARES,
    "clip.range[clip_by_global_norm]": SQUARES,
    "clip.limit-zero[clip_by_norm]": BLOCK_ZERO,
    "clip.limit-zero[clip_by_global_norm]": ZERO,
    "clip.negative-limit[clip_by_value]": _negative("(-1, -1)"),
    "clip.negative-limit[clip_by_norm]": _negative("(3, 4), as it was"),
    "clip.negative-limit[clip_by_global_norm]": _negative("(-0.6, -0.8)"),
    "clip.nan-limit[clip_by_value]": NAN,
    "clip.nan-limit[clip_by_norm]": NAN,
    "clip.nan-limit[clip_by_global_norm]": NAN,
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
