"""``torch.index_select`` and a mean or a sum."""

from __future__ import annotations

import torch

VARIANTS = {"mini-batch-gradient.combine": ("mean", "sum")}

KNOWN_FAILURES = {
    "mini-batch-gradient.empty": (
        "no indices give NaN, or zeros for a sum, right is to refuse them; the mean over nothing is NaN by decision: "
        "https://github.com/pytorch/pytorch/issues/50224"
    ),
}


def mini_batch_gradient(gradients, indices, *, combine):
    chosen = torch.index_select(gradients, 0, indices)
    return chosen.mean(0) if combine == "mean" else chosen.sum(0)
