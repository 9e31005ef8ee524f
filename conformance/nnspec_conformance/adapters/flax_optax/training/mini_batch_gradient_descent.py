"""``jax.numpy.take`` and a mean or a sum."""

from __future__ import annotations

import jax.numpy as jnp

VARIANTS = {"mini-batch-gradient.combine": ("mean", "sum")}

KNOWN_FAILURES = {
    "mini-batch-gradient.index-range": (
        "an index of 7 into 7 rows gives NaN, right is to refuse it; by design, as compiled programs raise nothing: "
        "https://github.com/jax-ml/jax/issues/9839"
    ),
    "mini-batch-gradient.negative-index": (
        "an index of -1 takes the last row, right is to refuse it; by design, as in NumPy: "
        "https://github.com/jax-ml/jax/issues/10063"
    ),
    "mini-batch-gradient.empty": (
        "no indices give NaN, or zeros for a sum, right is to refuse them: 0/0 is NaN as in NumPy; "
        "searched 2026-11-27, not found; https://github.com/jax-ml/jax/issues"
    ),
}


def mini_batch_gradient(gradients, indices, *, combine):
    chosen = jnp.take(gradients, indices, axis=0)
    return chosen.mean(0) if combine == "mean" else chosen.sum(0)
