r"""Attention: every query takes the mean of the values whose keys fit it.

`attention` has two implementations. ``plain`` holds the weights of all queries at once. ``blocked`` goes through the
queries in blocks, and computes the weights of a block once more in the backward pass, so that only those of one block
are ever held.
"""

from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from nnspec.checking import Finite, checked
from nnspec.components.activations import softmax

__all__ = ["attention"]

Implementation = Literal["plain", "blocked"]
BLOCK = 128  # queries that are looked at together
MANY = 1 << 22  # weights of a head of an example from which on they are not held at once


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
        implementation: ``plain`` or ``blocked``; by default blocked where the weights of a head are many.

    Returns:
        A row for each query and head. It is zero where a query sees no key.

    Raises:
        ValueError: the arrays do not fit each other; the heads of ``q`` are no multiple of those of ``k``.

    Source: Vaswani et al. 2017, equation 1; Ainslie et al. 2023, section 2.2, for heads that share keys.
    """
    _check(q, k, v, mask, bias)
    s = q.shape[-1] ** -0.5 if scale is None else scale
    if mask is not None:  # zero times NaN is NaN: what no query sees must not be multiplied
        shown = _of_keys(mask, q.shape[2], k.shape)
        k, v = jnp.where(shown, k, 0), jnp.where(shown, v, 0)
    many = implementation == "blocked" or (implementation is None and q.shape[1] * k.shape[1] >= MANY)
    return (_in_blocks if many else _at_once)(q, k, v, mask, bias, s, causal)


def _at_once(
    q: Array, k: Array, v: Array, mask: Array | None, bias: Array | None, s: float | Array, causal: bool
) -> Array:
    """All queries together."""
    rows = jnp.arange(q.shape[1]) + k.shape[1] - q.shape[1]
    return _of_rows(q, k, v, mask, bias, s, rows if causal else None)


def _in_blocks(
    q: Array, k: Array, v: Array, mask: Array | None, bias: Array | None, s: float | Array, causal: bool
) -> Array:
    """Some queries after the others; their weights are computed once more on the way back, and never all held."""
    T, keys = q.shape[1], k.shape[1]
    blocks = -(-T // BLOCK)

    def cut(a: Array | None, axis: int) -> Array | None:
        """Blocks of an array first; what is the same for all queries is repeated."""
        if a is None or a.shape[axis] == 1 < T:
            return a if a is None else jnp.broadcast_to(a, (blocks, *a.shape))
        padded = jnp.pad(a, [(0, blocks * BLOCK - T if i == axis else 0) for i in range(a.ndim)])
        return jnp.moveaxis(padded.reshape(*a.shape[:axis], blocks, BLOCK, *a.shape[axis + 1 :]), axis, 0)

    @jax.checkpoint
    def some(given: tuple) -> Array:
        queries, m, b, rows = given
        return _of_rows(queries, k, v, m, b, s, rows if causal else None)

    rows = jnp.arange(blocks * BLOCK).reshape(blocks, BLOCK) + keys - T
    y = jnp.moveaxis(jax.lax.map(some, (cut(q, 1), cut(mask, 2), cut(bias, 2), rows)), 0, 1)
    return y.reshape(len(q), blocks * BLOCK, *y.shape[3:])[:, :T]


def _of_rows(
    q: Array, k: Array, v: Array, mask: Array | None, bias: Array | None, s: float | Array, last: Array | None
) -> Array:
    """The results of some queries; each sees the keys up to its last one."""
    batch, T, heads, d = q.shape
    keys, kv_heads = k.shape[1:3]
    wide = jnp.promote_types(q.dtype, jnp.float32)  # scores and sums of half precision

    def by_group(a: Array) -> Array:
        """The axis of heads as two: heads of keys, and the queries' heads that read one."""
        return a[:, :, None] if a.shape[1] == 1 else a.reshape(len(a), kv_heads, heads // kv_heads, *a.shape[2:])

    grouped = q.reshape(batch, T, kv_heads, heads // kv_heads, d)
    scores = s * jnp.einsum("bthgd,bshd->bhgts", grouped, k, preferred_element_type=wide)
    if bias is not None:
        scores = scores + by_group(bias)
    seen = None if mask is None else by_group(mask)
    if last is not None:
        before = jnp.arange(keys) <= last[:, None]
        seen = before if seen is None else seen & before
    if seen is not None:  # a row of nothing but minus infinity would be NaN, and so would its gradient
        scores = jnp.where(seen, scores, jnp.where(seen.any(-1, keepdims=True), -jnp.inf, 0))
    a = softmax(scores)
    a = a if seen is None else jnp.where(seen, a, 0)
    y = jnp.einsum("bhgts,bshd->bthgd", a.astype(v.dtype), v, preferred_element_type=wide)
    return y.reshape(batch, T, heads, v.shape[-1]).astype(q.dtype)


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
