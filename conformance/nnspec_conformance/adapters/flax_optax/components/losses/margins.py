"""The losses of Optax for margins, which give one number an example and have no reduction."""

from __future__ import annotations

import optax

VARIANTS = {"cosine-loss.zero-vector": "nan", "triplet.distance": "padded"}

LOSSES = "https://github.com/google-deepmind/optax/blob/v0.2.8/optax/losses/"
SEARCHED = f"searched 2026-11-27, not found; {LOSSES}"
# Measured: what was asked, what came, what is right, and why.
KNOWN_FAILURES = {
    "duty.dtype[multiclass_hinge]; float16, bfloat16": (
        "scores float16[5, 2] give losses of float32, right is float16: the one-hot labels are float32; "
        f"{SEARCHED}_classification.py"
    ),
    "margins.gradient[multiclass_hinge]": (
        "float16 scores give float32 losses, right is float16: the one-hot labels are float32; "
        f"{SEARCHED}_classification.py"
    ),
    "margins.long-rows[multiclass_hinge]": (
        "float16 scores give float32 losses, right is float16: the one-hot labels are float32; "
        f"{SEARCHED}_classification.py"
    ),
    "cosine-loss.extremes": (
        "for a vector of length 2**-80 the loss is NaN, right is 1 minus the cosine: the square of its length "
        f"underflows to 0, and 0 is divided by it; {SEARCHED}_regression.py"
    ),
    "margins.labels[hinge]": (
        "a label 0 gives the loss 1 whatever the score, right is a refusal: labels are not looked at; "
        f"{SEARCHED}_classification.py"
    ),
    "multiclass-hinge.masked-rival": (
        "with a rival of minus infinity the loss of the first example is NaN, right is 0.8125: the scores are "
        f"multiplied by the one-hot label; {SEARCHED}_classification.py"
    ),
    "duty.nan[multiclass_hinge]": (
        "a label's score of infinity costs NaN, right is 0: the scores are multiplied by the one-hot label, and 0 "
        f"times infinity is NaN; searched 2026-11-28, not found; {LOSSES}_classification.py"
    ),
    "multiclass-hinge.label-range": (
        f"the label 5 of 5 classes is taken, right is a refusal: its one-hot vector is 0; {SEARCHED}_classification.py"
    ),
    **{
        f"duty.broadcasting[{name}]": (
            f"shapes are broadcast, right is a refusal: they are not compared; {SEARCHED}{file}.py"
        )
        for name, file in (
            ("hinge", "_classification"),
            ("multiclass_hinge", "_classification"),
            ("cosine_loss", "_regression"),
            ("triplet", "_self_supervised"),
        )
    },
    "triplet.range": f"a margin of -1 is taken, right is a refusal; {SEARCHED}_self_supervised.py",
}


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
