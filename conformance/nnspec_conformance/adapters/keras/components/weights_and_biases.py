"""Keras's layers: how many parameters they have."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

VARIANTS = {
    "parameter-count.gru": ("two", "one"),  # reset_after and not
}
# The numbers do not matter here, and to draw them costs a compilation for each shape.
RECURRENT = {"kernel_initializer": "zeros", "recurrent_initializer": "zeros"}


def _convolution(kernel_size, in_features, out_features, groups=1, use_bias=True):
    kind = {1: layers.Conv1D, 2: layers.Conv2D, 3: layers.Conv3D}[len(kernel_size)]
    layer = kind(out_features, kernel_size, groups=groups, use_bias=use_bias, kernel_initializer="zeros")
    return layer, (None, *[9] * len(kernel_size), in_features)


def _depthwise_convolution(kernel_size, in_features, multiplier=1, use_bias=True):
    kinds = {1: layers.DepthwiseConv1D, 2: layers.DepthwiseConv2D}
    if len(kernel_size) not in kinds:
        raise NotImplementedError("a depthwise convolution along three axes")
    given = {"depth_multiplier": multiplier, "use_bias": use_bias, "depthwise_initializer": "zeros"}
    return kinds[len(kernel_size)](kernel_size, **given), (None, *[9] * len(kernel_size), in_features)


def _recurrent(kind, in_features, hidden_features, use_bias=True, **given):
    return kind(hidden_features, use_bias=use_bias, **RECURRENT, **given), (None, 2, in_features)


def _norm(kind, features, use_scale=True, use_bias=True):
    return kind(scale=use_scale, center=use_bias), (None, features)


LAYERS = {  # each with the shape that it is built for
    "dense": lambda in_features, out_features, use_bias=True: (
        layers.Dense(out_features, use_bias=use_bias, kernel_initializer="zeros"), (None, in_features)
    ),
    "mlp": lambda sizes, use_bias=True: (
        keras.Sequential([layers.Dense(n, use_bias=use_bias, kernel_initializer="zeros") for n in sizes[1:]]),
        (None, sizes[0]),
    ),
    "embedding": lambda num_embeddings, features: (
        layers.Embedding(num_embeddings, features, embeddings_initializer="zeros"), (None, 2)
    ),
    "convolution": _convolution,
    "depthwise_convolution": _depthwise_convolution,
    "batch_norm": lambda **sizes: _norm(layers.BatchNormalization, **sizes),
    "layer_norm": lambda **sizes: _norm(layers.LayerNormalization, **sizes),
    "rnn": lambda **sizes: _recurrent(layers.SimpleRNN, **sizes),
    "lstm": lambda **sizes: _recurrent(layers.LSTM, **sizes),
    "gru": lambda **sizes: _recurrent(layers.GRU, **sizes),
    "attention": lambda features, num_heads, use_bias=True: (
        layers.MultiHeadAttention(
            num_heads, features // num_heads, use_bias=use_bias, kernel_initializer="zeros"
        ),
        (None, 2, features),
    ),
}  # fmt: skip


def parameter_count(*, layer, gru_biases, **sizes):
    if layer == "gru":
        sizes["reset_after"] = gru_biases == "two"
    made, shape = LAYERS[layer](**sizes)
    made.build(*[shape] * (2 if layer == "attention" else 1))
    return sum(int(np.prod(w.shape)) for w in made.trainable_weights)  # count_params has the state too
