"""Flax's layers: how many parameters they have."""

from __future__ import annotations

import itertools
import math

from flax import nnx


def _convolution(kernel_size, in_features, out_features, groups=1, use_bias=True):
    return nnx.Conv(
        in_features, out_features, kernel_size, feature_group_count=groups, use_bias=use_bias, rngs=nnx.Rngs(0)
    )


def _recurrent(kind, in_features, hidden_features, use_bias=True):
    if not use_bias:
        raise NotImplementedError("its recurrent cells have a bias always")
    return kind(in_features, hidden_features, rngs=nnx.Rngs(0))


def _mlp(sizes, use_bias=True):
    pairs = itertools.pairwise(sizes)
    return nnx.Sequential(*[nnx.Linear(n, m, use_bias=use_bias, rngs=nnx.Rngs(0)) for n, m in pairs])


LAYERS = {
    "dense": lambda in_features, out_features, use_bias=True: nnx.Linear(
        in_features, out_features, use_bias=use_bias, rngs=nnx.Rngs(0)
    ),
    "mlp": _mlp,
    "embedding": lambda num_embeddings, features: nnx.Embed(num_embeddings, features, rngs=nnx.Rngs(0)),
    "convolution": _convolution,
    "depthwise_convolution": lambda kernel_size, in_features, multiplier=1, use_bias=True: _convolution(
        kernel_size, in_features, in_features * multiplier, in_features, use_bias
    ),
    "batch_norm": lambda features, **given: nnx.BatchNorm(features, **given, rngs=nnx.Rngs(0)),
    "layer_norm": lambda features, **given: nnx.LayerNorm(features, **given, rngs=nnx.Rngs(0)),
    "rnn": lambda **sizes: _recurrent(nnx.SimpleCell, **sizes),
    "lstm": lambda **sizes: _recurrent(nnx.LSTMCell, **sizes),
    "gru": lambda **sizes: _recurrent(nnx.GRUCell, **sizes),
    "attention": lambda features, num_heads, use_bias=True: nnx.MultiHeadAttention(
        num_heads, features, use_bias=use_bias, decode=False, rngs=nnx.Rngs(0)
    ),
}


def parameter_count(*, layer, **sizes):
    module = nnx.eval_shape(lambda: LAYERS[layer](**sizes))  # shapes only
    return sum(math.prod(p.shape) for _, p in nnx.to_flat_state(nnx.state(module, nnx.Param)))
