"""``torch.autograd`` of a stock network under a loss of ``torch.nn.functional``, and functions that have an edge."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from nnspec_conformance.adapters.torch.components import forward_propagation

VARIANTS = {"max.tie": ("split", "first"), "where.untaken-branch": ("finite", "nan"), "clamp.at-bounds": "one"}

pairwise_maximum = torch.maximum
absolute_value = torch.abs
square_root = torch.sqrt
selection = torch.where
power = torch.pow


def backpropagation(x, labels, weights, *, activation, loss):
    with torch.enable_grad():
        parameters = {n: w if w.requires_grad else w.detach().requires_grad_() for n, w in weights.items()}
        values = forward_propagation.forward(x, parameters, activation=activation)
        z = values[f"z_{len(values) // 2 - 1}"]
        if loss == "softmax_cross_entropy":  # classes stand on axis 1
            total = F.cross_entropy(z.reshape(-1, z.shape[-1]), labels.reshape(-1, z.shape[-1]), reduction="sum")
        elif loss == "half_squared_error":
            total = F.mse_loss(z, labels, reduction="sum") / 2
        else:
            raise ValueError(loss)
        found = torch.autograd.grad(total, list(parameters.values()), create_graph=True)
    return dict(zip(parameters, found, strict=True))


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
