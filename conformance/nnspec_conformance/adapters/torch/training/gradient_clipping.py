"""``torch.nn.utils.clip_grad_value_`` and ``clip_grad_norm_``, which change ``.grad`` in place."""

from __future__ import annotations

import torch
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

VARIANTS = {
    "clip.denominator": "norm-plus-epsilon",
    "clip-by-norm.infinite": "quotient",
    "clip-by-global-norm.infinite": "quotient",
}

SQUARES = (
    "finite gradients of 3e37 become 0 and a norm of 1e-38 is taken for 0, right is to clip them: the squares overflow "
    "and underflow in float32, bfloat16 and float64; searched 2026-11-27, not found; "
    "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/utils/clip_grad.py"
)
NEGATIVE = (
    "a negative limit turns the gradient around or makes every entry the limit, right is to refuse it; "
    "https://github.com/pytorch/pytorch/issues/31367"
)
NAN = (
    "a limit that is NaN makes every gradient NaN, right is to refuse it: no range is checked; "
    "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/utils/clip_grad.py"
)
KNOWN_FAILURES = {
    f"{clause}[{operation}]": reason
    for operation in ("clip_by_value", "clip_by_norm", "clip_by_global_norm")
    for clause, reason in (("clip.negative-limit", NEGATIVE), ("clip.nan-limit", NAN))
} | {"clip.range[clip_by_norm]": SQUARES, "clip.range[clip_by_global_norm]": SQUARES}


def held(gradients):
    """Parameters that have these gradients."""
    if any(g.requires_grad for g in gradients.values()):
        raise NotImplementedError("what changes .grad in place has no derivative")
    parameters = {name: torch.nn.Parameter(torch.zeros_like(g)) for name, g in gradients.items()}
    for name, p in parameters.items():
        p.grad = gradients[name].clone()
    return parameters


def clip_by_value(gradients, *, limit):
    parameters = held(gradients)
    clip_grad_value_(parameters.values(), limit)
    return {name: p.grad for name, p in parameters.items()}


def clip_by_norm(gradients, *, limit):
    parameters = held(gradients)
    for p in parameters.values():
        clip_grad_norm_(p, limit)
    return {name: p.grad for name, p in parameters.items()}


def clip_by_global_norm(gradients, *, limit):
    parameters = held(gradients)
    clip_grad_norm_(parameters.values(), limit)
    return {name: p.grad for name, p in parameters.items()}
