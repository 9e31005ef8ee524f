"""``torch.nn.functional.softshrink`` and ``torch.renorm``; penalties are written by hand in PyTorch."""

from __future__ import annotations

import torch

VARIANTS = {"max-norm.denominator": "above"}
KNOWN_FAILURES = {
    "duty.nan[max_norm]": (
        "a column that holds NaN keeps its other entries as they are, right is NaN: its norm is not above the limit; "
        "searched 2026-11-28, not found; "
        "https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/Normalization.cpp"
    ),
}


def soft_threshold(x, *, threshold):
    return torch.nn.functional.softshrink(x, threshold)


def max_norm(kernel, *, limit):
    return torch.renorm(kernel, p=2, dim=1, maxnorm=limit)
