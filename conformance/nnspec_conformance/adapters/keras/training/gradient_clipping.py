"""``clipvalue``, ``clipnorm`` and ``global_clipnorm`` of any optimizer of Keras."""

from __future__ import annotations

import keras

VARIANTS = {"clip-by-norm.infinite": "quotient"}

SOURCE = (
    "searched 2026-11-27, not found; "
    "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/base_optimizer.py"
)
# Measured: at which input, got, right, and why.
NOT_GIVEN = (
    "(3, 4) with the limit 0, -1 or NaN stays (3, 4), right is (0, 0) with 0 and to refuse the others: a limit that is "
    "not larger than 0 counts as not given; https://github.com/tensorflow/tensorflow/issues/33929"
)
OWN_INVERSE = (
    "(1.1, 3.3) with the limit 47 becomes (1.1, 3.2999997) in float32, right is to leave it: it is multiplied by the "
    f"limit, and divided by it; {SOURCE}"
)
OWN_INVERSES = (
    "(1.1, 3.3) with the limit 47 becomes (1.0999999, 3.2999997) in float32, right is to leave it: the factor is the "
    f"limit times one over the limit; {SOURCE}"
)
UNBOUNDED = (
    "(3, 4) with an infinite limit becomes NaN, right is to leave it: infinity times 0, or over infinity; searched "
    "2026-11-27, not found for Keras, TensorFlow's function of the same formula is mended in "
    "https://github.com/tensorflow/tensorflow/pull/109327"
)
SQUARES = (
    "(3e19, 4e19) with the limit 1 becomes (0, 0) in float32, and (300, 400) in float16, right is (0.6, 0.8): their "
    f"squares overflow; {SOURCE}"
)
GLOBAL_SQUARES = (
    "(3e19, 4e19) with the limit 1 becomes NaN in float32, and (300, 400) in float16, right is (0.6, 0.8): their "
    f"squares overflow; {SOURCE}"
)
SLOPE = (
    "the derivative at (0, 0) is NaN, right is the identity: the root has an infinite slope there, which is multiplied "
    f"by 0; {SOURCE}"
)
EDGES = {  # where every value of a keyword is asked: a subject that compiles is asked fewer
    **{
        f"duty.attributes[{name}]; limit=0": NOT_GIVEN
        for name in ("clip_by_value", "clip_by_norm", "clip_by_global_norm")
    },
    **{f"duty.attributes[{name}]; limit=inf": UNBOUNDED for name in ("clip_by_norm", "clip_by_global_norm")},
}
KNOWN_FAILURES = {
    f"{clause}[{operation}]": NOT_GIVEN
    for operation in ("clip_by_value", "clip_by_norm", "clip_by_global_norm")
    for clause in ("clip.negative-limit", "clip.nan-limit", "clip.limit-zero")
} | {
    "clip.below[clip_by_norm]": OWN_INVERSE,
    "clip.below[clip_by_global_norm]": OWN_INVERSES,
    "clip.limit-infinite[clip_by_norm]": UNBOUNDED,
    "clip.limit-infinite[clip_by_global_norm]": UNBOUNDED,
    "clip.range[clip_by_norm]": SQUARES,
    "clip.range[clip_by_global_norm]": GLOBAL_SQUARES,
    "clip.derivative-at-zero[clip_by_global_norm]": SLOPE,
}


def _clipped(optimizer, gradients):
    """What ``apply`` makes of the gradients before the step."""
    return dict(zip(gradients, optimizer._clip_gradients(list(gradients.values())), strict=True))


def clip_by_value(gradients, *, limit):
    return _clipped(keras.optimizers.SGD(1.0, clipvalue=limit), gradients)


def clip_by_norm(gradients, *, limit):
    return _clipped(keras.optimizers.SGD(1.0, clipnorm=limit), gradients)


def clip_by_global_norm(gradients, *, limit):
    return _clipped(keras.optimizers.SGD(1.0, global_clipnorm=limit), gradients)
