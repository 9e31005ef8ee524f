"""Batch norm in NumPy, written from the clauses: the norm of a row, where a row is one feature of the whole batch."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.oracles.architectures.transformer.normalization import layer_norm, layer_norm_vjp, through_rows
from nnspec_conformance.oracles.training._weights import as_it_is, before_weights, of_weights, weighted


def _rows(x):
    """A row for each feature: all axes but the last are the batch."""
    rows = x.reshape(-1, x.shape[-1]).T if x.shape[-1] else np.zeros((0, 1), x.dtype)
    return np.ascontiguousarray(rows)  # whose sums NumPy takes in pairs


def _batch(rows, x):
    return rows.T.reshape(x.shape)


def _root(variance, epsilon, rounded):
    if epsilon < 0:
        raise ValueError(f"epsilon is {epsilon}, expected zero or a positive number")
    return rounded(np.sqrt(rounded(variance + epsilon)))


def batch_norm(x, scale=None, bias=None, *, epsilon=1e-5, single="zeros", rounded=as_it_is):
    rows = _rows(x)
    if single == "refused" and rows.shape[-1] == 1:
        raise ValueError("the batch has one value of each feature, expected two or more")
    return weighted(_batch(layer_norm(rows, epsilon=epsilon, rounded=rounded), x), scale, bias, rounded)


def batch_norm_vjp(x, *rest, epsilon=1e-5, single="zeros", rounded=as_it_is):
    """The gradients of x, and of scale and bias as far as they were handed over."""
    *weights, g = rest
    normal = batch_norm(x, epsilon=epsilon, single=single, rounded=rounded)
    a = before_weights(g, weights, rounded)
    dx = _batch(layer_norm_vjp(_rows(x), _rows(a), epsilon=epsilon, rounded=rounded)[0], x)
    return (dx, *of_weights(g, normal, weights, rounded))


def batch_norm_eval(x, mean, variance, scale=None, bias=None, *, epsilon=1e-5, rounded=as_it_is):
    normal = rounded(rounded(x - mean) / _root(variance, epsilon, rounded))
    return weighted(normal, scale, bias, rounded)


def batch_norm_eval_vjp(x, mean, variance, *rest, epsilon=1e-5, rounded=as_it_is):
    """The gradients of x and of what was handed over; zeros for the statistics, of which none is asked."""
    *weights, g = rest
    root = _root(variance, epsilon, rounded)
    normal = rounded(rounded(x - mean) / root)
    dx = rounded(before_weights(g, weights, rounded) / root)
    return (dx, np.zeros_like(mean), np.zeros_like(variance), *of_weights(g, normal, weights, rounded))


def _check_decay(decay):
    if not 0 <= decay <= 1:
        raise ValueError(f"decay is {decay}, expected 0 to 1")


def batch_norm_update(x, mean, variance, *, decay=0.9, running_variance="unbiased", rounded=as_it_is):
    _check_decay(decay)
    rows = _rows(x)
    n = rows.shape[-1]
    if not n:
        raise ValueError(f"the batch has the shape {x.shape}, expected at least one example")
    mu = rounded(rows.sum(-1) / n)
    d = rounded(rows - mu[:, None])
    v = rounded(rounded(d * d).sum(-1) / (max(n - 1, 1) if running_variance == "unbiased" else n))
    return tuple(rounded(rounded(decay * old) + rounded((1 - decay) * new)) for old, new in ((mean, mu), (variance, v)))


def batch_norm_statistics(x, *, decay, average="exponential", running_variance="unbiased", rounded=as_it_is):
    """The running statistics after each batch, of a layer that starts with mean 0 and variance 1."""
    _check_decay(decay)
    state = np.zeros(x.shape[-1:], x.dtype), np.ones(x.shape[-1:], x.dtype)
    found = []
    for k, batch in enumerate(x):
        weight = k / (k + 1) if average == "cumulative" else decay
        state = batch_norm_update(batch, *state, decay=weight, running_variance=running_variance, rounded=rounded)
        found.append(state)
    nothing = np.zeros((0, x.shape[-1]), x.dtype)
    return tuple(np.stack(part) for part in zip(*found, strict=True)) if found else (nothing, nothing)


def batch_norm_collected(x, *, decay, statistics_dtype="float32"):
    """The running statistics after the last batch, each step rounded to the dtype in which they are kept."""
    kept = np.float32 if statistics_dtype == "float32" and x.dtype.itemsize < 4 else x.dtype
    mean, variance = np.zeros(x.shape[-1:]), np.ones(x.shape[-1:])
    for batch in x.astype(np.float64):
        state = batch_norm_update(batch, mean, variance, decay=decay)
        mean, variance = (part.astype(kept).astype(np.float64) for part in state)
    return mean.astype(kept), variance.astype(kept)


def batch_norm_layer(x, mean, variance, *, mode="train", epsilon, rounded=as_it_is):
    if mode == "train":
        return batch_norm(x, epsilon=epsilon, rounded=rounded)
    return batch_norm_eval(x, mean, variance, epsilon=epsilon, rounded=rounded)


def batch_norm_layer_vjp(x, mean, variance, g, *, mode="train", epsilon, rounded=as_it_is):
    """The gradient of x; zeros for the statistics, of which none is asked."""
    if mode == "eval":
        return batch_norm_eval_vjp(x, mean, variance, g, epsilon=epsilon, rounded=rounded)
    dx = batch_norm_vjp(x, g, epsilon=epsilon, rounded=rounded)[0]
    return dx, np.zeros_like(mean), np.zeros_like(variance)


def _of_those_that_take_part(x, mask, epsilon, rounded):
    """All vectors by the statistics of those whose mask is true, and the root."""
    if x.shape[:-1] != mask.shape:
        raise ValueError(f"mask has the shape {mask.shape} but x has {x.shape[:-1]} before its features")
    taken = mask.reshape(-1) != 0
    t = max(int(taken.sum()), 1)
    rows = x.reshape(-1, x.shape[-1]) if x.shape[-1] else np.zeros((taken.size, 0), x.dtype)
    mu = rounded(np.ascontiguousarray(rows[taken].T).sum(-1) / t)
    d = rounded(rows - mu)
    v = rounded(np.ascontiguousarray(rounded(d * d)[taken].T).sum(-1) / t)
    root = _root(v, epsilon, rounded)
    with np.errstate(invalid="ignore", divide="ignore"):
        return rounded(d / root).reshape(x.shape), root


def masked_batch_norm(x, mask, scale=None, bias=None, *, epsilon, rounded=as_it_is):
    return weighted(_of_those_that_take_part(x, mask, epsilon, rounded)[0], scale, bias, rounded)


def masked_batch_norm_vjp(x, mask, *rest, epsilon, rounded=as_it_is):
    """The gradients of x, and of scale and bias as far as they were handed over."""
    *weights, g = rest
    normal, root = _of_those_that_take_part(x, mask, epsilon, rounded)
    a, counted = before_weights(g, weights, rounded), mask.reshape(-1) != 0
    dx = through_rows(_rows(a), _rows(normal), root[:, None], counted=counted, rounded=rounded)
    return (_batch(dx, x), *of_weights(g, normal, weights, rounded))
