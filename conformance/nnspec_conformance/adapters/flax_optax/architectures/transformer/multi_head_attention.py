"""The stock layer, ``nnx.MultiHeadAttention``."""

from __future__ import annotations

import functools

from flax import nnx

from nnspec_conformance.adapters.flax_optax import network
from nnspec_conformance.adapters.tables import size

FLOAT32 = (
    "in float64 an entry is -0.09188516, right is -0.09188520: scores are cast to float32 for the softmax, whatever "
    "comes in; https://github.com/jax-ml/jax/issues/34107"
)
VARIANTS = {"multi-head-attention.grouped": "refused", "multi-head-attention.no-keys": "uniform"}
KNOWN_FAILURES = {
    "multi-head-attention.value; float64": FLOAT32,
    "multi-head-attention.gradient; float64": FLOAT32,
    "duty.names[multi_head_attention]": network.ORDER,
}
PLACES = {"q": "query", "k": "key", "v": "value", "o": "out"}


def multi_head_attention(x, weights, context=None, mask=None, *, causal=None):
    given = {} if causal is None else {"is_causal": causal}
    return _layer(weights, x.dtype)(x, context, mask=mask, **given)


def _layer(weights, dtype):
    """The layer with these weights; names that are none of its own stay, and are refused."""
    state = {}
    for name, w in weights.items():
        part, _, place = name.partition("_")
        state.setdefault(PLACES.get(place, place), {})[part] = nnx.Param(w)
    sizes = size(weights, "kernel_q", "kernel_k", axis=0), size(weights, "kernel_q", "bias_q", axis=-2)
    return nnx.merge(_structure(*sizes, dtype), nnx.State(state))


@functools.cache
def _structure(features, heads, dtype):
    """The structure of a layer; its weights are handed over."""

    def make():
        kept = {"dtype": dtype, "param_dtype": dtype, "decode": False, "keep_rngs": False}
        return nnx.MultiHeadAttention(heads, features, **kept, rngs=nnx.Rngs(0))

    return nnx.split(nnx.eval_shape(make))[0]
