"""The loss classes of ``keras.losses`` for margins; labels come first there."""

from __future__ import annotations

from typing import Any

import keras

VARIANTS = {
    "cosine-loss.sign": "negative",
    "margins.long-sums": "rounded",  # the number of losses is cast to their dtype: 80,000 is infinite in float16
}
DEFAULTS = {"margins.default-reduction": "mean"}

SOURCE = "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/"
SEARCHED = f"searched 2026-11-27, not found; {SOURCE}"
NAMES = ("hinge", "squared_hinge", "multiclass_hinge", "cosine_loss")
# Measured: what was asked, what came, what is right, and why.
KNOWN_FAILURES = {
    "multiclass-hinge.negative-scores": (
        "for scores near -1024 the loss of the first example is 1024.5625, right is 1.0625: the label's score is "
        "multiplied by 0 before the maximum is taken, and is the largest where all rivals are negative; "
        "https://github.com/keras-team/keras/issues/8083"
    ),
    "duty.sizes[multiclass_hinge]; float32": (
        "a loss is 1.00562346, right is 0.0985250776, and with one class the gradient is the cotangent, right is 0: "
        "the label's score is multiplied by 0 before the maximum is taken, and counts as a rival; "
        "https://github.com/keras-team/keras/issues/8083"
    ),
    "duty.programs[multiclass_hinge]; float32, float16": (
        "a gradient is -0.66015625, right is 0: the label's score is multiplied by 0 before the maximum is taken, and "
        "counts as a rival; https://github.com/keras-team/keras/issues/8083"
    ),
    "duty.attributes[multiclass_hinge]": (
        "of a sum the gradient for a score of the third example is 1.81016076, right is 0: the label's score is "
        "multiplied by 0 before the maximum is taken, and counts as a rival; "
        "https://github.com/keras-team/keras/issues/8083"
    ),
    "cosine-loss.extremes": (
        "for a vector of length 2**-80 the cosine is 1.4e-17, right is 0.99965: a length below 1e-7 counts as 1e-7, "
        f"and squares overflow; {SEARCHED}ops/nn.py"
    ),
    **{
        f"margins.empty-mean[{name}]": (
            "the mean of an empty batch is an array of no losses, right is 0: the reduction returns an empty vector as "
            f"it is; {SEARCHED}losses/loss.py"
        )
        for name in NAMES
    },
    **{
        f"margins.labels[{name}]": (
            "labels of 0 and 1 are taken for -1 and 1, as is documented, and a label 0 among others for 0; right is a "
            f"refusal; {SEARCHED}losses/losses.py"
        )
        for name in ("hinge", "squared_hinge")
    },
    "multiclass-hinge.masked-rival": (
        "with a rival of minus infinity the loss of the first example is NaN, right is 0.8125: the scores are "
        f"multiplied by the one-hot label; {SEARCHED}losses/losses.py"
    ),
    "duty.nan[multiclass_hinge]": (
        "a label's score of infinity costs NaN, right is 0: the scores are multiplied by the one-hot label, and 0 "
        f"times infinity is NaN; searched 2026-11-28, not found; {SOURCE}losses/losses.py"
    ),
    "multiclass-hinge.label-range": (
        f"the label 5 of 5 classes is taken, right is a refusal: its one-hot vector is 0; {SEARCHED}ops/nn.py"
    ),
    **{
        f"duty.broadcasting[{name}]": (
            f"one label, or one row, for all others is taken, right is a refusal: shapes are broadcast; "
            f"{SEARCHED}losses/losses.py"
        )
        for name in NAMES
    },
}

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
