"""The losses of Optax for margins, which give one number an example and have no reduction."""

from __future__ import annotations

import optax

VARIANTS = {"cosine-loss.zero-vector": "nan", "triplet.distance": "padded"}


def hinge(scores, labels, **given):
    return optax.losses.hinge_loss(scores, labels, **_without_reduction(given))


def multiclass_hinge(scores, labels, **given):
    return optax.losses.multiclass_hinge_loss(scores, labels, **_without_reduction(given))


def cosine_loss(prediction, target, **given):
    return optax.losses.cosine_distance(prediction, target, **_without_reduction(given))


def triplet(anchor, positive, negative, **given):
    return optax.losses.triplet_margin_loss(anchor, positive, negative, **_without_reduction(given))


def _without_reduction(given):
    if given.pop("reduction", "none") != "none":
        raise NotImplementedError("the losses of Optax have no reduction")
    return given
