"""``MultiHeadAttention``, whose ``key_dim`` is the depth of one head; it is called with its weights as a list.

Heads that share keys have a layer of their own, ``GroupQueryAttention``.
"""

from __future__ import annotations

import functools

import keras

from nnspec_conformance.adapters import tables

VARIANTS = {"multi-head-attention.no-keys": "uniform"}
ORDER = ("kernel_q", "bias_q", "kernel_k", "bias_k", "kernel_v", "bias_v", "kernel_o", "bias_o")


def multi_head_attention(x, weights, context=None, mask=None, *, causal=None):
    c = x if context is None else context
    heads, shared = (tables.size(weights, f"kernel_{part}", f"bias_{part}", axis=-2) for part in "qk")
    layer = _built(
        heads,
        tables.size(weights, "kernel_q", "bias_q"),
        shared,
        tuple(x.shape),
        tuple(c.shape),
        keras.backend.standardize_dtype(x.dtype),
    )
    listed = tables.listed(weights, ORDER, "a layer of Keras")  # it refuses another number of them
    given = {} if causal is None else {"use_causal_mask": causal}
    return layer.stateless_call(listed, [], x, c, attention_mask=mask, **given)[0]


@functools.cache
def _built(heads, depth, shared, x, context, dtype):
    """A layer of these shapes, whose weights are handed over at each call."""
    given = {"dtype": dtype, "kernel_initializer": "zeros"}
    if shared == heads:
        layer = keras.layers.MultiHeadAttention(heads, depth, **given)
    else:
        layer = keras.layers.GroupQueryAttention(depth, heads, shared, **given)
    layer.build(x, context)
    return layer
