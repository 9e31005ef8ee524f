"""``keras.ops.take`` and a mean or a sum."""

from __future__ import annotations

import keras

VARIANTS = {"mini-batch-gradient.combine": ("mean", "sum")}

KNOWN_FAILURES = {
    "mini-batch-gradient.index-range": (
        "an index of 7 into 7 rows gives NaN on JAX, right is to refuse it; the backends differ: "
        "https://github.com/keras-team/keras/issues/18449",
        lambda: keras.backend.backend() == "jax",
    ),
    "mini-batch-gradient.negative-index": (
        "an index of -1 takes the last row, right is to refuse it; negative indices are supported on purpose: "
        "https://github.com/keras-team/keras/pull/19556"
    ),
    "mini-batch-gradient.empty": (
        "no indices give NaN, or zeros for a sum, right is to refuse them: the mean over nothing is NaN; "
        "searched 2026-11-27, not found; https://github.com/keras-team/keras/issues"
    ),
}


def mini_batch_gradient(gradients, indices, *, combine):
    chosen = keras.ops.take(gradients, indices, axis=0)
    return keras.ops.mean(chosen, axis=0) if combine == "mean" else keras.ops.sum(chosen, axis=0)
