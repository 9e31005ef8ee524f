"""``keras.ops.argmax``, ``keras.ops.top_k`` and ``keras.random.categorical``, which takes a matrix."""

from __future__ import annotations

import keras


def greedy_token(logits):
    return keras.ops.argmax(logits, -1)


def top_tokens(logits, *, k):
    return keras.ops.top_k(logits, k)[1]  # pyright: ignore[reportOptionalSubscript]


def sample_token(logits, *, seed):
    if len(logits.shape) != 2:
        raise NotImplementedError("two axes, the second one of tokens")
    return keras.random.categorical(logits, 1, seed=seed)[:, 0]
