r"""Dropout on the weights of an attention: each query loses some of its keys at random, in training alone."""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from nnspec.architectures.transformer.attention import attention
from nnspec.checking import checked
from nnspec.components.activations import softmax
from nnspec.training.dropout import DropoutRate

__all__ = ["attention_dropout"]


@checked
def attention_dropout(
    q: Float[Array, "batch queries heads depth"],
    k: Float[Array, "batch keys heads depth"],
    v: Float[Array, "batch keys heads value_depth"],
    key: Key[Array, ""],
    mask: Bool[Array, "_ _ _ keys"] | None = None,
    *,
    rate: DropoutRate,
    train: bool = True,
    causal: bool = False,
) -> Float[Array, "batch queries heads value_depth"]:
    r"""Take for each query the mean of the values, with some of the weights dropped and the others made larger.

    With $a_{ij}$ the weights of `attention`, $p$ = ``rate`` and $m$ a mask of zeros and ones, $P(m_{ij} = 0) = p$:
    $y_i = \sum_j m_{ij}\, a_{ij}\, v_j / (1 - p)$   [attention-dropout.value][]

    Args:
        q: queries, any float dtype.
        k: keys.
        v: values, as many as keys; their depth may be another one.
        key: of the mask; each head of each example has one of its own.
        mask: true where a key takes part; an axis of length 1 stands for all examples, heads or queries.
        rate: probability of a weight to be dropped, from 0 to 1, a plain number.
        train: without training nothing is dropped.
        causal: whether a query sees no key that is later than itself, as `attention` has it.

    Returns:
        A row for each query and head. It is zero where a query sees no key, or none of its weights is kept.

    Raises:
        ValueError: ``rate`` is below 0, above 1 or NaN; the arrays do not fit each other.

    Source: Vaswani et al. 2017, equation 1; Srivastava et al. 2014, section 10.
    """
    _check(q, mask, k.shape[1])
    if not train or rate == 0:
        return attention(q, k, v, mask, causal=causal)
    if rate == 1:  # 1 - p is 0, and the gradient of 1/0 is NaN behind any mask
        return jnp.zeros((*q.shape[:3], v.shape[-1]), q.dtype)
    return _dropped(q, k, v, key, mask, float(rate), 1 - float(rate), causal=causal)


@partial(jax.jit, static_argnames="causal")
def _dropped(
    q: Array, k: Array, v: Array, key: Array, mask: Array | None, p: Array, kept: Array, *, causal: bool
) -> Array:
    """The sums of values by what is left of the weights, over kept = 1 - p, one program for all rates."""
    batch, T, heads, d = q.shape
    keys = k.shape[1]
    wide = jnp.promote_types(q.dtype, jnp.float32)  # scores and sums of half precision
    seen = jnp.ones((1, 1, 1, keys), bool) if mask is None else mask
    if causal:
        seen = seen & (jnp.arange(keys) <= jnp.arange(T)[:, None] + keys - T)
    some = jnp.broadcast_to(seen.any(2), (batch, heads, keys)).swapaxes(1, 2)[..., None]
    k, v = jnp.where(some, k, 0), jnp.where(some, v, 0)  # zero times NaN is NaN
    scores = d**-0.5 * jnp.einsum("bthd,bshd->bhts", q, k, preferred_element_type=wide)
    a = softmax(jnp.where(seen, scores, jnp.where(seen.any(-1, keepdims=True), -jnp.inf, 0)))
    m = jax.random.uniform(key, a.shape) >= p  # in float32: half precision has too few numbers
    a = jnp.where(m & seen, a / kept, 0)
    return jnp.einsum("bhts,bshd->bthd", a.astype(v.dtype), v, preferred_element_type=wide).astype(q.dtype)


def _check(q: Array, mask: Array | None, keys: int) -> None:
    full = (len(q), q.shape[2], q.shape[1], keys)
    if mask is not None and any(n not in (1, m) for n, m in zip(mask.shape, full, strict=True)):
        raise ValueError(f"attention_dropout: mask has shape {mask.shape}, expected {full}, or 1 for what is shared")
