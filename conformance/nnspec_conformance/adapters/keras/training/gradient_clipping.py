"""``clipvalue``, ``clipnorm`` and ``global_clipnorm`` of any optimizer of Keras."""

from __future__ import annotations

import keras

VARIANTS = {"clip-by-norm.infinite": "quotient"}


def clipped(gradients, **given):
    """What ``apply`` makes of the gradients before the step."""
    optimizer = keras.optimizers.SGD(1.0, **given)
    return dict(zip(gradients, optimizer._clip_gradients(list(gradients.values())), strict=True))


def clip_by_value(gradients, *, limit):
    return clipped(gradients, clipvalue=limit)


def clip_by_norm(gradients, *, limit):
    return clipped(gradients, clipnorm=limit)


def clip_by_global_norm(gradients, *, limit):
    return clipped(gradients, global_clipnorm=limit)
