"""``torch.nn.utils.clip_grad_value_`` and ``clip_grad_norm_``, which change ``.grad`` in place."""

from __future__ import annotations

import torch
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

VARIANTS = {
    "clip.denominator": "norm-plus-epsilon",
    "clip-by-norm.infinite": "quotient",
    "clip-by-global-norm.infinite": "quotient",
}

# Measured: at which input, got, right, and why.
SQUARES = (
    "(3e19, 4e19) with the limit 1 becomes (0, 0) in float32, right is (0.6, 0.8): the squares overflow; eight entries "
    "of 32768 become 0 in float16, right is 0.354: the norm is rounded to float16; "
    "https://github.com/pytorch/pytorch/issues/46849"
)
NEGATIVE_NORM = (
    "(3, 4) with the limit -1 becomes (-0.6, -0.8), right is to refuse it: the gradient is turned around; "
    "https://github.com/pytorch/pytorch/issues/31367"
)
NEGATIVE_VALUE = (
    "(3, 4) with the limit -1 becomes (-1, -1), right is to refuse it: no range is checked; "
    "https://github.com/pytorch/pytorch/issues/31367"
)
NAN = (
    "(3, 4) with the limit NaN becomes NaN, right is to refuse it: no range is checked; searched 2026-11-27, not "
    "found; https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/utils/clip_grad.py"
)
KNOWN_FAILURES = {
    "clip.range[clip_by_norm]": SQUARES,
    "clip.range[clip_by_global_norm]": SQUARES,
    "clip.negative-limit[clip_by_value]": NEGATIVE_VALUE,
    "clip.negative-limit[clip_by_norm]": NEGATIVE_NORM,
    "clip.negative-limit[clip_by_global_norm]": NEGATIVE_NORM,
    "clip.nan-limit[clip_by_value]": NAN,
    "clip.nan-limit[clip_by_norm]": NAN,
    "clip.nan-limit[clip_by_global_norm]": NAN,
}


def _held(gradients):
    """Parameters that have these gradients."""
    if any(g.requires_grad for g in gradients.values()):
        raise NotImplementedError("what changes .grad in place has no derivative")
    parameters = {name: torch.nn.Parameter(torch.zeros_like(g)) for name, g in gradients.items()}
    for name, p in parameters.items():
        p.grad = gradients[name].clone()
    return parameters


def clip_by_value(gradients, *, limit):
    parameters = _held(gradients)
    clip_grad_value_(parameters.values(), limit)
    return {name: p.grad for name, p in parameters.items()}


def clip_by_norm(gradients, *, limit):
    parameters = _held(gradients)
    for p in parameters.values():
        clip_grad_norm_(p, limit)
    return {name: p.grad for name, p in parameters.items()}


def clip_by_global_norm(gradients, *, limit):
    parameters = _held(gradients)
    clip_grad_norm_(parameters.values(), limit)
    return {name: p.grad for name, p in parameters.items()}
