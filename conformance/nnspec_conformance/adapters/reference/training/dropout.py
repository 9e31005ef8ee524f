"""The reference's dropout; the seed makes the key."""

from __future__ import annotations

import jax

from nnspec.training import dropout as topic


def dropout(x, *, seed, **given):
    return topic.dropout(x, jax.random.key(seed), **given)


def feature_dropout(x, *, seed, **given):
    return topic.feature_dropout(x, jax.random.key(seed), **given)


def repeated_dropout(x, *, seed, **given):
    return topic.repeated_dropout(x, jax.random.key(seed), **given)
