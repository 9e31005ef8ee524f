r"""Multi-head attention: several attentions side by side, with queries, keys and values of their own, and a last map.

`multi_head_attention` is a function of a table of weights; `MultiHeadAttention` is the layer that holds them.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float

from nnspec import tables
from nnspec.architectures.transformer.attention import attention
from nnspec.checking import checked

__all__ = ["MultiHeadAttention", "multi_head_attention"]

AXES = {
    **{f"kernel_{part}": "in_features heads depth" for part in "qkv"},
    **{f"bias_{part}": "heads depth" for part in "qkv"},
    "kernel_o": "heads depth in_features",
    "bias_o": "in_features",
}
GROUPED = AXES | {f"{kind}_{part}": AXES[f"{kind}_{part}"].replace("heads", "kv_heads") for kind in ("kernel", "bias")
                  for part in "kv"}  # fmt: skip


@checked
@partial(jax.jit, static_argnames="causal")
def multi_head_attention(
    x: Float[Array, "batch queries in_features"],
    weights: dict,
    context: Float[Array, "batch keys in_features"] | None = None,
    mask: Bool[Array, "_ _ _ keys"] | None = None,
    *,
    causal: bool = False,
) -> Float[Array, "batch queries in_features"]:
    r"""Let every place take from a sequence what each head finds there.

    With $W_p$ = ``kernel_p``, $b_p$ = ``bias_p``, $c$ = ``context``, and $h$ counting heads:
    $y = \sum_h \operatorname{attention}(x W_q^h + b_q^h,\; c W_k^h + b_k^h,\; c W_v^h + b_v^h)\, W_o^h + b_o$
    [multi-head-attention.value][]

    Args:
        x: the places that ask, any float dtype.
        weights: ``kernel_p`` [in, heads, depth] and ``bias_p`` [heads, depth] for each p of q, k and v, ``kernel_o``
            [heads, depth, in] and ``bias_o`` [in]. Keys and values may have fewer heads than queries; head $h$ of the
            queries then reads head $\lfloor h / n \rfloor$ of them, if there are $n$ times as many.
        context: the places that answer; by default those of ``x`` themselves.
        mask: true where a key takes part; an axis of length 1 stands for all examples, heads or queries.
        causal: whether a place sees no later one, as `attention` has it.

    Returns:
        Same shape and dtype as ``x``.

    Raises:
        ValueError: a name of the table is missing or unknown; an array does not fit the others; the heads of queries
            are no multiple of those of keys.
        TypeError: an entry of the table is no array.

    Source: Vaswani et al. 2017, section 3.2.2; Ainslie et al. 2023, section 2.2, for heads that share keys.
    """
    tables.check("multi_head_attention", weights, GROUPED, x=x)
    c = x if context is None else context
    q, k, v = (
        jnp.einsum("bpi,ihd->bphd", read, weights[f"kernel_{part}"]) + weights[f"bias_{part}"]
        for part, read in (("q", x), ("k", c), ("v", c))
    )
    y = attention(q, k, v, mask, causal=causal)
    return jnp.einsum("bphd,hdo->bpo", y, weights["kernel_o"]) + weights["bias_o"]


class MultiHeadAttention(nnx.Module):
    r"""A layer of several attentions that holds its weights.

    Kernels start with normal draws of variance $1 / n$, $n$ being the features, biases with zeros.

    Args:
        features: of each place; a multiple of the heads.
        heads: how many attentions lie side by side.
        kv_heads: how many heads keys and values have, of which ``heads`` is a multiple; by default as many.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> layer = MultiHeadAttention(6, 2, rngs=nnx.Rngs(0))
        >>> layer(jnp.ones((5, 3, 6)), causal=True).shape
        (5, 3, 6)
    """

    @checked
    def __init__(self, features: int, heads: int, *, kv_heads: int | None = None, rngs: nnx.Rngs) -> None:
        shared = heads if kv_heads is None else kv_heads
        if features < 1 or heads < 1 or features % heads:
            raise ValueError(f"MultiHeadAttention: {features} features cannot be shared among {heads} heads")
        if shared < 1 or heads % shared:
            raise ValueError(f"MultiHeadAttention: {heads} heads are no multiple of {shared} heads of keys and values")
        depth = features // heads
        shapes = {"q": (features, heads, depth), **dict.fromkeys("kv", (features, shared, depth)),
                  "o": (heads, depth, features)}  # fmt: skip
        for part, shape in shapes.items():
            draws = jax.random.normal(rngs.params(), shape)
            setattr(self, f"kernel_{part}", nnx.Param(draws / features**0.5))
            setattr(self, f"bias_{part}", nnx.Param(jnp.zeros(shape[1:] if part != "o" else (features,))))

    def __call__(self, x: Array, context: Array | None = None, mask: Array | None = None, **given: Any) -> Array:
        """Apply `multi_head_attention` with the layer's weights."""
        return multi_head_attention(x, self.get_weights(), context, mask, **given)

    def get_weights(self) -> dict[str, Array]:
        """Hand out the table of weights.

        Returns:
            What `multi_head_attention` takes; changing the table does not change the layer.
        """
        return {name: getattr(self, name)[...] for name in AXES}
