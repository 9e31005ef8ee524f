"""The loss classes of ``keras.losses`` for margins; labels come first there."""

from __future__ import annotations

from typing import Any

import keras

VARIANTS = {"cosine-loss.sign": "negative"}
DEFAULTS = {"margins.default-reduction": "mean"}

REDUCTIONS = {"mean": "sum_over_batch_size", "sum": "sum", "none": "none"}


def hinge(scores, labels, **given):
    return keras.losses.Hinge(dtype=scores.dtype, **_told(given))(labels[..., None], scores[..., None])


def squared_hinge(scores, labels, **given):
    return keras.losses.SquaredHinge(dtype=scores.dtype, **_told(given))(labels[..., None], scores[..., None])


def multiclass_hinge(scores, labels, **given):
    one_hot = keras.ops.one_hot(labels, scores.shape[-1], dtype=scores.dtype)
    return keras.losses.CategoricalHinge(dtype=scores.dtype, **_told(given))(one_hot, scores)


def cosine_loss(prediction, target, **given):
    return keras.losses.CosineSimilarity(dtype=prediction.dtype, **_told(given))(target, prediction)


def _told(given: dict[str, Any]) -> dict[str, Any]:
    return given | ({"reduction": REDUCTIONS[given["reduction"]]} if "reduction" in given else {})
