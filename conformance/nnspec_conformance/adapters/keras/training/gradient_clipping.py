"""``clipvalue``, ``clipnorm`` and ``global_clipnorm`` of any optimizer of Keras."""

from __future__ import annotations

import keras

VARIANTS = {"clip-by-norm.infinite": "quotient"}

SOURCE = "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/base_optimizer.py"
NOT_GIVEN = f"a limit that is not larger than 0, or NaN, counts as not given, and nothing is clipped; {SOURCE}"
OWN_INVERSE = (
    "a gradient below the limit is off by a unit in the last place, right is to leave it: it is multiplied by the "
    f"limit and divided by it; {SOURCE}"
)
UNBOUNDED = f"with an infinite limit every gradient becomes NaN, right is to leave it: infinity times 0; {SOURCE}"
SQUARES = f"finite gradients become 0 or NaN where their squares overflow or underflow, right is to clip them; {SOURCE}"
SLOPE = (
    "the derivative at a gradient of zeros is NaN, right is the identity: the root has an infinite slope there, which "
    f"is multiplied by 0; {SOURCE}"
)
KNOWN_FAILURES = (
    {
        f"{clause}[{operation}]": NOT_GIVEN
        for operation in ("clip_by_value", "clip_by_norm", "clip_by_global_norm")
        for clause in ("clip.negative-limit", "clip.nan-limit", "clip.limit-zero")
    }
    | {
        f"{clause}[{operation}]": reason
        for operation in ("clip_by_norm", "clip_by_global_norm")
        for clause, reason in (
            ("clip.below", OWN_INVERSE),
            ("clip.limit-infinite", UNBOUNDED),
            ("clip.range", SQUARES),
        )
    }
    | {"clip.derivative-at-zero[clip_by_global_norm]": SLOPE}
)


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
