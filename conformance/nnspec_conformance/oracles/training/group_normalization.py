"""Group norm and instance norm in NumPy, written from the clauses: the norm of a row, a group of one example."""

from __future__ import annotations

import math

import numpy as np

from nnspec_conformance.oracles.architectures.transformer.normalization import layer_norm, layer_norm_vjp
from nnspec_conformance.oracles.training._weights import as_it_is, before_weights, of_weights, weighted


def _rows(x, groups):
    """A row for each group of each example: its features at all places."""
    batch, features = x.shape[0], x.shape[-1]
    if groups < 1 or features % groups:
        raise ValueError(f"groups is {groups}, expected a divisor of the {features} features")
    split = x.reshape(batch, math.prod(x.shape[1:-1]), groups, features // groups)
    return np.ascontiguousarray(np.moveaxis(split, 2, 1)).reshape(batch, groups, math.prod(split.shape[1::2]))


def _back(rows, x, groups):
    places, size = math.prod(x.shape[1:-1]), x.shape[-1] // groups
    return np.moveaxis(rows.reshape(len(x), groups, places, size), 1, 2).reshape(x.shape)


def group_norm(x, scale=None, bias=None, *, groups, epsilon=1e-5, rounded=as_it_is):
    y = _back(layer_norm(_rows(x, groups), epsilon=epsilon, rounded=rounded), x, groups)
    return weighted(y, scale, bias, rounded)


def group_norm_vjp(x, *rest, groups, epsilon=1e-5, rounded=as_it_is):
    """The gradients of x, and of scale and bias as far as they were handed over."""
    *weights, g = rest
    rows = _rows(x, groups)
    normal = _back(layer_norm(rows, epsilon=epsilon, rounded=rounded), x, groups)
    a = before_weights(g, weights, rounded)
    dx = _back(layer_norm_vjp(rows, _rows(a, groups), epsilon=epsilon, rounded=rounded)[0], x, groups)
    return (dx, *of_weights(g, normal, weights, rounded))


def _each(x, single):
    """Count the groups, as many as features; of none one group is taken."""
    if single == "refused" and math.prod(x.shape[1:-1]) == 1:
        raise ValueError(f"x has the shape {x.shape}, expected two places or more")
    return max(x.shape[-1], 1)


def instance_norm(x, scale=None, bias=None, *, epsilon=1e-5, single="zeros", rounded=as_it_is):
    return group_norm(x, scale, bias, groups=_each(x, single), epsilon=epsilon, rounded=rounded)


def instance_norm_vjp(x, *rest, epsilon=1e-5, single="zeros", rounded=as_it_is):
    return group_norm_vjp(x, *rest, groups=_each(x, single), epsilon=epsilon, rounded=rounded)
