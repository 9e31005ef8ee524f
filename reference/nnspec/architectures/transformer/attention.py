r"""Attention: every query takes the mean of the values whose keys fit it.

`attention` has two implementations. ``plain`` holds the weights of all queries at once. ``blocked`` goes through the
queries in blocks, and computes the weights of a block once more in the backward pass, so that only those of one block
are ever held.
"""

import itertools
import math
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from nnspec.checking import Finite, checked

__all__ = ["attention"]

Implementation = Literal["plain", "blocked"]
MANY = 1 << 21  # weights of all heads and examples from which on they are not held at once
HELD = 1 << 20  # weights of a block, about what a cache holds
BLOCK = 32, 128  # queries of a block, at least and at most
SECTIONS = 4  # of a causal sequence: so many programs, of which each leaves out the keys that its queries do not see


@checked
@partial(jax.jit, static_argnames=("causal", "implementation"))
def attention(
    q: Float[Array, "batch queries heads depth"],
    k: Float[Array, "batch keys kv_heads depth"],
    v: Float[Array, "batch keys kv_heads value_depth"],
    mask: Bool[Array, "_ _ _ keys"] | None = None,
    bias: Float[Array, "_ _ _ keys"] | None = None,
    *,
    scale: Finite | None = None,
    causal: bool = False,
    implementation: Implementation | None = None,
) -> Float[Array, "batch queries heads value_depth"]:
    r"""Take for each query the mean of the values, weighted by how well their keys fit.

    With $s$ = ``scale``, $b$ = ``bias`` and $M_i$ the keys that query $i$ sees: $y_i = \sum_j a_{ij} v_j$,
    $a_{ij} = e^{s\, q_i \cdot k_j + b_{ij}} \big/ \sum_{l \in M_i} e^{s\, q_i \cdot k_l + b_{il}}$
    [attention.value][]

    Args:
        q: queries, any float dtype.
        k: keys; a head of them may be read by several heads of queries, which then stand side by side.
        v: values, as many as keys; their depth may be another one.
        mask: true where a key takes part; an axis of length 1 stands for all examples, heads or queries.
        bias: added to the scores, and broadcast like ``mask``.
        scale: factor of the scores; by default $1 / \sqrt d$, with the depth $d$ of a key.
        causal: whether a query sees no key that is later than itself; the last query is as late as the last key.
        implementation: ``plain`` or ``blocked``; by default blocked where the weights are many.

    Returns:
        A row for each query and head. It is zero where a query sees no key.

    Raises:
        ValueError: the arrays do not fit each other; the heads of ``q`` are no multiple of those of ``k``.

    Source: Vaswani et al. 2017, equation 1; Ainslie et al. 2023, section 2.2, for heads that share keys.
    """
    _check(q, k, v, mask, bias)
    s = q.shape[-1] ** -0.5 if scale is None else scale
    kv_heads, groups = k.shape[2], q.shape[2] // k.shape[2]
    if mask is not None:  # zero times NaN is NaN: what no query sees must not be multiplied
        shown = _of_keys(mask, q.shape[2], k.shape)
        k, v = jnp.where(shown, k, 0), jnp.where(shown, v, 0)
    # Heads before places, those that share keys side by side: [batch, kv_heads, groups, queries, depth]. Products then
    # come out in this order; with places first XLA would copy all scores.
    q = q.reshape(*q.shape[:2], kv_heads, groups, q.shape[-1]).transpose(0, 2, 3, 1, 4)
    k, v = k.swapaxes(1, 2), v.swapaxes(1, 2)
    mask, bias = (None if a is None else _by_group(a, kv_heads) for a in (mask, bias))
    many = implementation == "blocked" or (implementation is None and math.prod(q.shape[:4]) * k.shape[2] >= MANY)
    y = (_in_blocks if many else _at_once)(q, k, v, mask, bias, s, causal)
    return y.transpose(0, 3, 1, 2, 4).reshape(len(y), y.shape[3], kv_heads * groups, v.shape[-1])


def _at_once(
    q: Array, k: Array, v: Array, mask: Array | None, bias: Array | None, s: float | Array, causal: bool
) -> Array:
    """All queries together."""
    rows = jnp.arange(q.shape[3]) + k.shape[2] - q.shape[3]
    return _of_rows(q, k, v, mask, bias, s, rows if causal else None)


def _in_blocks(
    q: Array, k: Array, v: Array, mask: Array | None, bias: Array | None, s: float | Array, causal: bool
) -> Array:
    """Some queries after the others; with causality those of a section with the keys up to its last query alone."""
    T, keys = q.shape[3], k.shape[2]
    sections = max(1, min(SECTIONS, T)) if causal else 1
    ends = [T * i // sections for i in range(sections + 1)]

    def part(a: Array | None, queries: slice, seen: int) -> Array | None:
        return a if a is None else a[..., queries if a.shape[3] > 1 else slice(None), :seen]

    found = []
    for start, end in itertools.pairwise(ends):
        seen = max(keys - T + end, 0) if causal else keys
        queries = slice(start, end)
        given = q[..., queries, :], k[:, :, :seen], v[:, :, :seen], part(mask, queries, seen), part(bias, queries, seen)
        rows = jnp.arange(start, end) + keys - T
        found.append(_section(*given, s, rows if causal else None))
    return jnp.concatenate(found, 3)


def _section(
    q: Array, k: Array, v: Array, mask: Array | None, bias: Array | None, s: float | Array, last: Array | None
) -> Array:
    """A block of queries after the other; their weights are computed once more on the way back, and never all held."""
    T, (least, most) = q.shape[3], BLOCK
    rows = max(least, min(most, HELD // max(1, math.prod(q.shape[:3]) * k.shape[2])))
    blocks = -(-T // rows)

    def cut(a: Array | None, axis: int = 3) -> Array | None:
        """Blocks of an array first; what is the same for all queries is repeated."""
        if a is None or a.shape[axis] == 1 < T:
            return a if a is None else jnp.broadcast_to(a, (blocks, *a.shape))
        padded = jnp.pad(a, [(0, blocks * rows - T if i == axis else 0) for i in range(a.ndim)])
        return jnp.moveaxis(padded.reshape(*a.shape[:axis], blocks, rows, *a.shape[axis + 1 :]), axis, 0)

    @jax.checkpoint
    def some(given: tuple) -> Array:
        queries, m, b, own = given
        return _of_rows(queries, k, v, m, b, s, own)

    y = jnp.moveaxis(jax.lax.map(some, (cut(q), cut(mask), cut(bias), cut(last, 0))), 0, 3)
    return y.reshape(*y.shape[:3], blocks * rows, y.shape[-1])[:, :, :, :T]


def _of_rows(
    q: Array, k: Array, v: Array, mask: Array | None, bias: Array | None, s: float | Array, last: Array | None
) -> Array:
    """The results of some queries, heads first; each sees the keys up to its last one."""
    wide = jnp.promote_types(q.dtype, jnp.float32)  # scores and sums of half precision
    scores = s * jnp.einsum("bhgtd,bhsd->bhgts", q, k, preferred_element_type=wide)
    if bias is not None:
        scores = scores + bias
    seen = mask
    if last is not None:
        before = jnp.arange(k.shape[2]) <= last[:, None]
        seen = before if seen is None else seen & before
    if seen is not None:
        scores = jnp.where(seen, scores, -jnp.inf)
    top = scores.max(-1, keepdims=True, initial=-jnp.inf)
    e = jnp.exp(_below(scores, jnp.where(jnp.isneginf(top), 0, top)))  # a query that sees no key has none but zeros
    total = e.sum(-1)[..., None]
    y = jnp.einsum("bhgts,bhsd->bhgtd", e.astype(v.dtype), v, preferred_element_type=wide)
    return (y / jnp.where(total == 0, 1, total)).astype(q.dtype)


@jax.custom_jvp
def _below(scores: Array, top: Array) -> Array:
    """The scores less the largest of their row, which counts as constant; `softmax` says what the minimum is for."""
    return jnp.minimum(scores, top) - top


_below.defjvps(lambda t, y, scores, top: t, None)  # any shift gives the same weights


def _by_group(a: Array, kv_heads: int) -> Array:
    """The axis of heads as two: heads of keys, and the queries' heads that read one."""
    return a[:, :, None] if a.shape[1] == 1 else a.reshape(len(a), kv_heads, -1, *a.shape[2:])


def _of_keys(mask: Array, heads: int, shape: tuple[int, ...]) -> Array:
    """Which keys some query sees: [batch, keys, kv_heads, 1]."""
    batch, keys, kv_heads, _ = shape
    seen = jnp.broadcast_to(mask.any(2), (batch, heads, keys))
    return seen.reshape(batch, kv_heads, -1, keys).any(2).swapaxes(1, 2)[..., None]


def _check(q: Array, k: Array, v: Array, mask: Array | None, bias: Array | None) -> None:
    heads, kv_heads = q.shape[2], k.shape[2]
    if not kv_heads or heads % kv_heads:
        raise ValueError(f"attention: q has heads={heads}, which is no multiple of the {kv_heads} of k and v")
    if not k.dtype == v.dtype == q.dtype:
        raise ValueError(f"attention: q, k and v have dtypes {q.dtype}, {k.dtype} and {v.dtype}; cast them to one")
    full = (len(q), heads, q.shape[1], k.shape[1])
    for name, part in (("mask", mask), ("bias", bias)):
        if part is not None and any(n not in (1, m) for n, m in zip(part.shape, full, strict=True)):
            raise ValueError(f"attention: {name} has shape {part.shape}, expected {full}, or 1 for what is shared")
