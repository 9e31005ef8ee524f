"""``MultiHeadAttention``, whose ``key_dim`` is the depth of one head; it is called with its weights as a list."""

from __future__ import annotations

import functools

import keras

ORDER = ("kernel_q", "bias_q", "kernel_k", "bias_k", "kernel_v", "bias_v", "kernel_o", "bias_o")


def multi_head_attention(x, weights, context=None, mask=None, *, causal=None):
    table, c = dict(weights), x if context is None else context
    rows = tuple(weights["kernel_q"].shape[1:])
    layer = _built(rows, tuple(x.shape), tuple(c.shape), keras.backend.standardize_dtype(x.dtype))
    listed = [table.pop(name) for name in ORDER] + [*table.values()]  # Keras itself refuses another number of them
    given = {} if causal is None else {"use_causal_mask": causal}
    return layer.stateless_call(listed, [], x, c, attention_mask=mask, **given)[0]


@functools.cache
def _built(rows, x, context, dtype):
    """A layer of these shapes, whose weights are handed over at each call."""
    layer = keras.layers.MultiHeadAttention(*rows, dtype=dtype, kernel_initializer="zeros")
    layer.build(x, context)
    return layer
