"""Functions of PyTorch that have an edge."""

from __future__ import annotations

import torch
import torch.nn.functional as F

VARIANTS = {"max.tie": ("split", "first"), "where.untaken-branch": ("finite", "nan"), "clamp.at-bounds": "one"}

pairwise_maximum = torch.maximum
absolute_value = torch.abs
square_root = torch.sqrt
selection = torch.where
power = torch.pow


def maximum_reduction(x, *, tie):
    return torch.amax(x, dim=-1) if tie == "split" else torch.max(x, dim=-1).values


def euclidean_norm(x):
    return torch.linalg.vector_norm(x, dim=-1)


def masked_square_root(x, *, untaken_branch):
    inside = torch.where(x > 0, x, 1) if untaken_branch == "finite" else x
    return torch.where(x > 0, torch.sqrt(inside), 0)


def clamp(x, *, minimum, maximum):
    return torch.clamp(x, min=minimum, max=maximum)


def product_reduction(x):
    return torch.prod(x, dim=-1)


def embedding_lookup(table, ids):
    return F.embedding(ids, table)


def stopped_gradient(x, y):
    return x * y.detach()


def unused_parameter(x, unused):
    return x * x


def gradient_of_squares(x):
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        (x * x).backward()
    return x.grad
