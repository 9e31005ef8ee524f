"""The reference's dropout on the weights of an attention; the seed makes the key."""

from __future__ import annotations

import jax

from nnspec.architectures.transformer import attention_dropout as topic


def attention_dropout(q, k, v, mask=None, *, seed, **given):
    return topic.attention_dropout(q, k, v, jax.random.key(seed), mask, **given)
