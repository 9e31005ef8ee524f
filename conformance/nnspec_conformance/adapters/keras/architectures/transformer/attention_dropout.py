"""``MultiHeadAttention`` with a rate and a seed, whose kernels only put heads side by side and apart again."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

DEFAULTS = {"attention-dropout.mode": False}


def attention_dropout(q, k, v, mask=None, *, seed, rate, train=None, causal=None):
    heads, dtype = q.shape[2], keras.backend.standardize_dtype(q.dtype)
    flat: Any = [ops.reshape(a, (*a.shape[:2], heads * a.shape[3])) for a in (q, k, v)]
    shapes = [tuple(a.shape) for a in flat]
    layer = keras.layers.MultiHeadAttention(
        heads, q.shape[3], value_dim=v.shape[3], dropout=rate, use_bias=False, output_shape=shapes[2][-1], seed=seed,
        dtype=dtype,
    )  # fmt: skip
    layer.build(shapes[0], shapes[2], shapes[1])
    kernels = [ops.reshape(ops.eye(n, dtype=dtype), (n, heads, n // heads)) for *_, n in shapes]
    last = ops.reshape(kernels[2], (heads, v.shape[3], shapes[2][-1]))
    named: dict[str, Any] = {} if train is None else {"training": train}
    named |= {} if causal is None else {"use_causal_mask": causal}
    states = [variable.value for variable in layer.non_trainable_variables]
    given = {"key": flat[1], "attention_mask": mask, **named}
    y: Any = layer.stateless_call([*kernels, last], states, flat[0], flat[2], **given)[0]
    return ops.reshape(y, (*q.shape[:3], v.shape[3]))
