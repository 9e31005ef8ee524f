"""Keras's layers: how many parameters they have, and what they compute with weights that lie as theirs do."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

VARIANTS = {
    "parameter-count.gru": ("two", "one"),  # reset_after and not
    "lstm-native.packing": "columns-ifgo",
    "gru-native.packing": "columns-zrn-two-biases",
}
# The numbers do not matter here, and to draw them costs a compilation for each shape.
RECURRENT = {"kernel_initializer": "zeros", "recurrent_initializer": "zeros"}


def _convolution(kernel_size, in_features, out_features, groups=1, use_bias=True):
    kind = {1: layers.Conv1D, 2: layers.Conv2D, 3: layers.Conv3D}[len(kernel_size)]
    layer = kind(out_features, kernel_size, groups=groups, use_bias=use_bias, kernel_initializer="zeros")
    return layer, (None, *[9] * len(kernel_size), in_features)


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
    "depthwise_convolution": lambda kernel_size, in_features, multiplier=1, use_bias=True: (
        layers.DepthwiseConv2D(
            kernel_size, depth_multiplier=multiplier, use_bias=use_bias, depthwise_initializer="zeros"
        ),
        (None, 9, 9, in_features),
    ),
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
    return np.asarray(sum(int(np.prod(w.shape)) for w in made.trainable_weights))  # count_params has the state too


def _loaded(layer, shape, names, weights):
    """The layer with these weights; Keras itself refuses a number of arrays or a shape that does not fit."""
    layer.build(shape)
    given = dict(weights)
    layer.set_weights([given.pop(name) for name in names if name in given] + list(given.values()))
    return layer


def dense_native(x, weights):
    in_features, units = weights["kernel"].shape
    layer = layers.Dense(units, kernel_initializer="zeros", dtype=keras.backend.standardize_dtype(x.dtype))
    return _loaded(layer, (None, in_features), ("kernel", "bias"), weights)(x)


def convolution_native(x, weights):
    *window, in_features, filters = weights["kernel"].shape
    layer = layers.Conv2D(
        filters, tuple(window), kernel_initializer="zeros", dtype=keras.backend.standardize_dtype(x.dtype)
    )
    return _loaded(layer, (None, *x.shape[1:3], in_features), ("kernel", "bias"), weights)(x)


def _sequence(kind, x, weights):
    units = weights["recurrent_kernel"].shape[0]
    layer = kind(units, return_sequences=True, **RECURRENT, dtype=keras.backend.standardize_dtype(x.dtype))
    shape = (None, x.shape[1], weights["kernel"].shape[0])
    return _loaded(layer, shape, ("kernel", "recurrent_kernel", "bias"), weights)(x)


def lstm_native(x, weights):
    return _sequence(layers.LSTM, x, weights)


def gru_native(x, weights):
    given = dict(weights)
    if "bias" in given:  # both biases are the two rows of one array
        given["bias"] = keras.ops.stack([given["bias"], given.pop("recurrent_bias")])
    return _sequence(layers.GRU, x, given)
