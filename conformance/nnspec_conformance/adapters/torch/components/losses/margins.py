"""The losses of ``torch.nn.functional`` for margins; its ``hinge_embedding_loss`` is a loss of distances."""

from __future__ import annotations

import torch
import torch.nn.functional as F

VARIANTS = {
    "multiclass-hinge.form": "weston-watkins-mean",
    "triplet.distance": "shifted",
    "margins.empty-mean": "nan",
    "margins.long-rows[cosine_loss]": "rounded",  # the product of the two sums of squares is infinite in float16
}
DEFAULTS = {"margins.default-reduction": "mean"}

ATEN = "https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/"
# Measured: what was asked, what came, what is right, and why.
KNOWN_FAILURES = {
    "cosine-loss.sign; float64": (
        "for opposite vectors 1.9999999999996 comes, right is 2: 1e-12 is added to the squares of both lengths; "
        "https://github.com/pytorch/pytorch/pull/5447"
    ),
    "cosine-loss.second-derivative; float64": (
        "0.06365378666112043 comes, right is 0.06365378666115887: 1e-12 is added to the squares of both lengths; "
        "https://github.com/pytorch/pytorch/pull/5447"
    ),
    "cosine-loss.extremes": (
        "for a vector of length 2**-80 and any other the loss is 1, right is 1 minus their cosine: the square of the "
        "length underflows, and that of a long vector overflows; https://github.com/pytorch/pytorch/issues/51912"
    ),
    "triplet.margin-zero": (
        "a margin of 0 is refused, right is the loss: triplet_margin_loss asks for a margin above 0; "
        "https://github.com/pytorch/pytorch/pull/121978"
    ),
    "duty.nan[multiclass_hinge]": (
        "a score of NaN costs 0, right is NaN: a term counts where it is above 0, and NaN is not; "
        f"searched 2026-11-28, not found; {ATEN}LossMultiMargin.cpp"
    ),
    "margins.empty-mean[multiclass_hinge]": (
        "the mean of an empty batch was 7.4e-26 once and 3.0e21 once, right is 0, or NaN as elsewhere: the "
        f"function returns before it writes its result; searched 2026-11-27, not found; {ATEN}LossMultiMargin.cpp"
    ),
    "duty.second[multiclass_hinge]": (
        "RuntimeError: derivative for aten::multi_margin_loss_backward is not implemented, right is that of the "
        "cotangents: its pieces are straight; searched 2026-11-28, not found; "
        "https://github.com/pytorch/pytorch/blob/v2.13.0/tools/autograd/derivatives.yaml"
    ),
    **{
        f"duty.broadcasting[{name}]": (
            "a target of shape [1, 5] is taken for predictions [6, 5], right is a refusal; "
            f"searched 2026-11-27, not found; {ATEN}Loss.cpp"
        )
        for name in ("cosine_loss", "triplet")
    },
}


def multiclass_hinge(scores, labels, **given):
    return F.multi_margin_loss(scores, labels, **given)


def cosine_loss(prediction, target, **given):
    alike = torch.ones(prediction.shape[:-1], dtype=prediction.dtype)
    return F.cosine_embedding_loss(prediction, target, alike, **given)


def triplet(anchor, positive, negative, **given):
    return F.triplet_margin_loss(anchor, positive, negative, **given)
