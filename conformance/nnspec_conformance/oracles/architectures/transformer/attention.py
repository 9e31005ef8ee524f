"""Scaled dot-product attention in NumPy, written from the clauses: scores, weights of the keys that are seen, sums.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

# The weight of each of so many keys for a query that sees none of them.
SHARES = {"zeros": lambda keys: 0.0, "uniform": lambda keys: 1 / max(keys, 1), "nan": lambda keys: np.nan}
LOG3, LOG4 = float(np.log(3)), float(np.log(4))
# The example of the page: one query, three keys, and values that show the weights; with and without the third key.
EXAMPLE_Q = [[2, 0, 0, 0]]
EXAMPLE_K = [[LOG3, 0, 0, 0], [0, 1, 0, 0], [LOG4, 0, 0, 0]]
EXAMPLE_V = [[8, 0, 0, 0], [0, 8, 0, 0], [0, 0, 8, 0]]
EXAMPLE_Y, EXAMPLE_Y_MASKED = [[3, 1, 4, 0]], [[6, 2, 0, 0]]


def as_it_is(y):
    return y


@dataclass(frozen=True)
class Seen:
    """What a call asks for, in the order of the axes ``[batch, heads, queries, keys]``.

    Attributes:
        q: queries, heads before places.
        k: keys, as many heads as queries have.
        v: values, likewise.
        scale: of the scores.
        allowed: which keys each query sees.
        weights: of the keys.
        level: the logarithm of the sum of the exponentials; 0 for a query that sees no key.
        groups: how many heads of queries share a head of keys.
    """

    q: np.ndarray
    k: np.ndarray
    v: np.ndarray
    scale: Any
    allowed: np.ndarray
    weights: np.ndarray
    level: np.ndarray
    groups: int


def attention(
    q, k, v, mask=None, bias=None, *, scale=None, causal=False, causal_alignment="bottom-right", no_keys="zeros",
    masked_content="kept-out", integer_mask="refused", value_depth="taken", zero_keys="zeros", no_keys_by_bias="zeros",
    mask_along_keys="refused", rounded=as_it_is,
):  # fmt: skip
    seen = _seen(
        q, k, v, mask, bias, scale, causal, causal_alignment, no_keys, masked_content, integer_mask, value_depth,
        zero_keys, no_keys_by_bias, mask_along_keys, rounded,
    )  # fmt: skip
    return rounded(seen.weights @ seen.v).swapaxes(1, 2)


def attention_vjp(
    q, k, v, *rest, scale=None, causal=False, causal_alignment="bottom-right", no_keys="zeros",
    masked_content="kept-out", integer_mask="refused", value_depth="taken", zero_keys="zeros", no_keys_by_bias="zeros",
    mask_along_keys="refused", rounded=as_it_is,
):  # fmt: skip
    *given, cotangents = rest
    mask, bias = (*given, None, None)[:2]
    seen = _seen(
        q, k, v, mask, bias, scale, causal, causal_alignment, no_keys, masked_content, integer_mask, value_depth,
        zero_keys, no_keys_by_bias, mask_along_keys, rounded,
    )  # fmt: skip
    g = rounded(cotangents).swapaxes(1, 2)
    moved = rounded(g @ seen.v.swapaxes(2, 3))
    y = rounded(seen.weights @ seen.v)
    # Two formulas of fused implementations: the sum of weights times moved is g y, and weights are computed once more,
    # from the scores and the logarithm of their sum.
    shared = rounded(g * y).sum(-1, keepdims=True)
    off = np.clip(np.real(seen.level - rounded(seen.level)), -1, 1)  # a level of 1e10 is rounded by more than that
    weights = rounded(seen.weights * np.exp(off))
    found = rounded(weights * rounded(moved - shared))
    if no_keys != "nan":  # a query without keys has weights that follow nothing
        found = np.where(seen.allowed, found, 0)
    dq = rounded(seen.scale * (found @ seen.k))
    dk = rounded(seen.scale * (found.swapaxes(2, 3) @ seen.q))
    dv = rounded(weights.swapaxes(2, 3) @ g)
    gradients = dq.swapaxes(1, 2), _added(dk, seen.groups), _added(dv, seen.groups)
    return gradients if bias is None else (*gradients, _as_shaped(found, bias.shape))


def _seen(
    q, k, v, mask, bias, scale, causal, causal_alignment, no_keys, masked_content, integer_mask, value_depth, zero_keys,
    no_keys_by_bias, mask_along_keys, rounded,
):  # fmt: skip
    _check(q, k, v, mask, bias, value_depth, zero_keys)
    _check_masks(q, k, mask, bias, mask_along_keys)
    mask, more = _read(mask, integer_mask)
    groups = q.shape[2] // k.shape[2]
    q, k, v = (rounded(a).swapaxes(1, 2) for a in (q, k, v))
    k, v = (np.repeat(a, groups, 1) for a in (k, v))
    scale = q.dtype.type(1 / np.sqrt(q.shape[-1]) if scale is None else scale)
    shape = (*q.shape[:3], k.shape[2])
    allowed = np.ones(shape, bool) if mask is None else np.broadcast_to(mask, shape)
    if causal:
        last = shape[3] - shape[2] if causal_alignment == "bottom-right" else 0
        allowed = allowed & np.tri(shape[2], shape[3], last, dtype=bool)
    empty = ~allowed.any(-1, keepdims=True)
    if masked_content == "kept-out":
        read = allowed | (empty if no_keys == "uniform" else False)
        hidden = np.moveaxis(np.asarray(~read.any(2, keepdims=True)), 2, 3)
        k, v = (np.where(hidden, a.dtype.type(0), a) for a in (k, v))
    scores = rounded(rounded(q @ k.swapaxes(2, 3)) * scale)
    for part in (bias, more):
        scores = scores if part is None else rounded(scores + rounded(part))
    share = np.where(empty, SHARES[no_keys](shape[3]), 0)
    if bias is not None:  # a query may see keys, and each with a bias of minus infinity
        none = ~empty & ~(allowed & ~np.isneginf(np.real(scores))).any(-1, keepdims=True)
        empty, share = empty | none, np.where(none, SHARES[no_keys_by_bias](shape[3]), share)
    weights, level = _weights(scores, allowed, empty, share, rounded)
    return Seen(q, k, v, scale, allowed, weights, level, groups)


def _weights(scores, allowed, empty, share, rounded):
    """The softmax over the keys that take part, or the share of a query without any, and the logarithm of the sum."""
    real = np.where(allowed, np.real(scores), -np.inf)
    top = np.where(empty, 0, real.max(-1, keepdims=True, initial=-np.inf))
    e = rounded(np.where(allowed & ~empty, np.exp(np.where(allowed & ~empty, scores - top, 0)), 0))
    total = rounded(e.sum(-1, keepdims=True))
    weights = np.where(empty, share, e / np.where(empty, 1, total))
    level = np.where(empty, 0, top + np.log(np.where(empty, 1, total)))
    return rounded(weights.astype(scores.dtype)), level.astype(scores.dtype)


def _read(mask, integer_mask):
    """The mask as truth values, and what is added to the scores in its place."""
    if mask is None or mask.dtype == bool:
        return mask, None
    if mask.dtype.kind != "i" or integer_mask == "refused":
        raise ValueError(f"the mask is of {mask.dtype}, expected truth values")
    return (mask != 0, None) if integer_mask == "boolean" else (None, mask)


def _check(q, k, v, mask, bias, value_depth, zero_keys):
    if not q.ndim == k.ndim == v.ndim == 4:
        raise ValueError("q, k and v have four axes: examples, places, heads and depth")
    if q.shape[0] != k.shape[0] or q.shape[-1] != k.shape[-1] or k.shape[:3] != v.shape[:3]:
        raise ValueError(f"q {q.shape}, k {k.shape} and v {v.shape} do not fit")
    if k.shape[2] == 0 or q.shape[2] % k.shape[2]:
        raise ValueError(f"{q.shape[2]} heads of queries are no multiple of {k.shape[2]} heads of keys")
    if value_depth == "refused" and v.shape[-1] != k.shape[-1]:
        raise ValueError(f"values have depth {v.shape[-1]}, keys {k.shape[-1]}")
    if zero_keys == "refused" and k.shape[1] == 0:
        raise ValueError("there are no keys")


def _check_masks(q, k, mask, bias, mask_along_keys):
    full = (q.shape[0], q.shape[2], q.shape[1], k.shape[1])
    for part in (mask, bias):
        if part is None:
            continue
        if part.ndim != 4 or any(n not in (1, m) for n, m in zip(part.shape, full, strict=True)):
            raise ValueError(f"mask and bias have shape {part.shape}, expected {full}")
        if mask_along_keys == "refused" and part.shape[3] != full[3]:
            raise ValueError(f"mask and bias have shape {part.shape}, expected {full[3]} keys")


def _added(gradient, groups):
    """Added up over the heads that share one, places before heads."""
    batch, heads, keys, depth = gradient.shape
    return gradient.reshape(batch, heads // groups, groups, keys, depth).sum(2).swapaxes(1, 2)


def _as_shaped(gradient, shape):
    axes = tuple(i for i, (n, m) in enumerate(zip(gradient.shape, shape, strict=True)) if n != m)
    return gradient.sum(axes, keepdims=True)
