"""``MultiHeadAttention``, whose ``key_dim`` is the depth of one head; it is called with its weights as a list.

Heads that share keys have a layer of their own, ``GroupQueryAttention``.
"""

from __future__ import annotations

import functools

import keras

VARIANTS = {"multi-head-attention.no-keys": "uniform"}
ORDER = ("kernel_q", "bias_q", "kernel_k", "bias_k", "kernel_v", "bias_v", "kernel_o", "bias_o")


def multi_head_attention(x, weights, context=None, mask=None, *, causal=None):
    table, c = dict(weights), x if context is None else context
    heads, depth = weights["kernel_q"].shape[1:]
    rows = int(heads), int(depth), int(weights["kernel_k"].shape[1])
    layer = _built(*rows, tuple(x.shape), tuple(c.shape), keras.backend.standardize_dtype(x.dtype))
    listed = [table.pop(name) for name in ORDER] + [*table.values()]  # Keras itself refuses another number of them
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
