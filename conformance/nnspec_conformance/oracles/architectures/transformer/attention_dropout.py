"""Dropout on the weights of an attention in NumPy, written from the clauses.

Values that are the rows of an identity make of an attention its weights; a mask and a scale are put on them. Every
function computes in the dtype that it is handed, and by the mask ``kept`` where it is given one.
"""

from __future__ import annotations

import numpy as np

from nnspec_conformance.oracles.architectures.transformer.attention import as_it_is, attention, attention_vjp

LOG3 = float(np.log(3))
# The example of the page: one query, two keys, and values that show the weights.
EXAMPLE_Q = [[2, 0, 0, 0]]
EXAMPLE_K = [[LOG3, 0, 0, 0], [0, 1, 0, 0]]
EXAMPLE_V = [[8, 0, 0, 0], [0, 8, 0, 0]]
EXAMPLE_Y = [[[0, 0], [12, 0]], [[0, 4], [12, 4]]]  # by whether the second and the first weight are kept


def drawn(seed, shape, rate, masks="own"):
    """Tell of each weight, [batch, heads, queries, keys], whether it is kept."""
    first = (1, 1) if masks == "shared" else shape[:2]
    return np.broadcast_to(np.random.default_rng(seed).random((*first, *shape[2:])) >= rate, shape)


def attention_dropout(
    q, k, v, mask=None, *, seed, rate, train=True, causal=False, masks="own", rate_one="zeros", no_keys="zeros",
    kept=None, rounded=as_it_is,
):  # fmt: skip
    _check(rate, rate_one)
    given = {"causal": causal, "no_keys": no_keys, "rounded": rounded}
    if not train or rate == 0:
        return attention(q, k, v, mask, **given)
    factor = rounded(_factor(q, k, seed, rate, masks, kept))
    weights = attention(q, k, _identity(k), mask, **given).swapaxes(1, 2)
    return rounded(rounded(weights * factor) @ rounded(v).swapaxes(1, 2)).swapaxes(1, 2)


def attention_dropout_vjp(
    q, k, v, *rest, seed, rate, train=True, causal=False, masks="own", rate_one="zeros", no_keys="zeros", kept=None,
    rounded=as_it_is,
):  # fmt: skip
    *masked, cotangents = rest
    mask, given = (*masked, None)[0], {"causal": causal, "no_keys": no_keys, "rounded": rounded}
    _check(rate, rate_one)
    if not train or rate == 0:
        return attention_vjp(q, k, v, mask, cotangents, **given)
    factor = rounded(_factor(q, k, seed, rate, masks, kept))
    weights = attention(q, k, _identity(k), mask, **given).swapaxes(1, 2)
    g = rounded(cotangents).swapaxes(1, 2)
    moved = rounded(factor * rounded(g @ rounded(v).swapaxes(1, 2).swapaxes(2, 3)))
    found = attention_vjp(q, k, _identity(k), mask, moved.swapaxes(1, 2), **given)
    dv = rounded(rounded(weights * factor).swapaxes(2, 3) @ g)
    return found[0], found[1], dv.swapaxes(1, 2)


def _factor(q, k, seed, rate, masks, kept):
    """What each weight is multiplied by: 0, or 1 over 1 - p; all zeros at the rate 1."""
    shape = (q.shape[0], q.shape[2], q.shape[1], k.shape[1])
    kept = drawn(seed, shape, rate, masks) if kept is None else kept
    return np.where(kept, 0 if rate == 1 else 1 / (1 - rate), 0).astype(np.real(q).dtype)


def _identity(k):
    """A value of its own for each key: [batch, keys, heads, keys]."""
    batch, keys, heads, _ = k.shape
    rows = np.eye(keys, dtype=k.dtype)[None, :, None]
    return np.broadcast_to(rows, (batch, keys, heads, keys))


def _check(rate, rate_one):
    if not 0 <= rate <= 1:
        raise ValueError(f"rate is {rate}, expected 0 to 1")
    if rate == 1 and rate_one == "refused":
        raise ValueError("rate is 1, which drops everything")
