"""The losses of ``torch.nn.functional`` for margins; its ``hinge_embedding_loss`` is a loss of distances."""

from __future__ import annotations

import torch
import torch.nn.functional as F

VARIANTS = {
    "multiclass-hinge.form": "weston-watkins-mean",
    "triplet.distance": "shifted",
    "margins.empty-mean": "nan",
}
DEFAULTS = {"margins.default-reduction": "mean"}


def multiclass_hinge(scores, labels, **given):
    return F.multi_margin_loss(scores, labels, **given)


def cosine_loss(prediction, target, **given):
    alike = torch.ones(prediction.shape[:-1], dtype=prediction.dtype)
    return F.cosine_embedding_loss(prediction, target, alike, **given)


def triplet(anchor, positive, negative, **given):
    return F.triplet_margin_loss(anchor, positive, negative, **given)
