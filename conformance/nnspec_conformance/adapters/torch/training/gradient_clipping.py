"""``torch.nn.utils.clip_grad_value_`` and ``clip_grad_norm_``, which change ``.grad`` in place."""

from __future__ import annotations

import torch
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

VARIANTS = {
    "clip.denominator": "norm-plus-epsilon",
    "clip-by-norm.infinite": "quotient",
    "clip-by-global-norm.infinite": "quotient",
}


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
