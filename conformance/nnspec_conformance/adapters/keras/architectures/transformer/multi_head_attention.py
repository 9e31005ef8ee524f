"""``MultiHeadAttention``, whose ``key_dim`` is the depth of one head."""

from __future__ import annotations

import functools

import keras

ORDER = ("kernel_q", "bias_q", "kernel_k", "bias_k", "kernel_v", "bias_v", "kernel_o", "bias_o")


def multi_head_attention(x, weights, context=None, mask=None, *, causal=None):
    c = x if context is None else context
    layer = _built(tuple(weights["kernel_q"].shape[1:]), tuple(x.shape), tuple(c.shape), str(x.dtype).split(".")[-1])
    names = [name for name in ORDER if name in weights] + [name for name in weights if name not in ORDER]
    if set(names) != set(ORDER) and len(names) == len(ORDER):
        raise NotImplementedError("Keras lists the weights of a layer, and knows no names")
    given = {} if causal is None else {"use_causal_mask": causal}
    seeds = [variable.value for variable in layer.non_trainable_variables]
    listed = [weights[name] for name in names]
    return layer.stateless_call(listed, seeds, x, c, attention_mask=mask, **given)[0]


@functools.cache
def _built(rows, x, context, dtype):
    """A layer of these shapes, whose weights are handed over at each call."""
    layer = keras.layers.MultiHeadAttention(*rows, dtype=dtype, kernel_initializer="zeros")
    layer.build(x, context)
    return layer
