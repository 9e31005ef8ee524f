"""Counts of parameters, in NumPy."""

from __future__ import annotations

import itertools
import math


def parameter_count(*, layer, rnn_biases="one", lstm_biases="one", gru_biases="one", **sizes):
    vectors = {
        "rnn": {"one": 1, "two": 2}[rnn_biases],
        "lstm": {"one": 4, "two": 8}[lstm_biases],
        "gru": {"one": 3, "candidate": 4, "two": 6}[gru_biases],
    }
    recurrent = {"rnn": 1, "lstm": 4, "gru": 3}
    if layer in recurrent:
        return _recurrent_count(recurrent[layer], vectors[layer], **sizes)
    return COUNTS[layer](**sizes)


def _recurrent_count(gates, vectors, *, in_features, hidden_features, use_bias=True):
    weights = gates * (in_features * hidden_features + hidden_features**2)
    return weights + (vectors * hidden_features if use_bias else 0)


def _dense_count(*, in_features, out_features, use_bias=True):
    return (in_features + 1) * out_features if use_bias else in_features * out_features


def _mlp_count(*, sizes, use_bias=True):
    return sum((n + 1) * m if use_bias else n * m for n, m in itertools.pairwise(sizes))


def _convolution_count(*, kernel_size, in_features, out_features, groups=1, use_bias=True):
    a_filter = math.prod(kernel_size) * in_features // groups
    return out_features * (a_filter + 1 if use_bias else a_filter)


def _depthwise_count(*, kernel_size, in_features, multiplier=1, use_bias=True):
    return in_features * multiplier * (math.prod(kernel_size) + (1 if use_bias else 0))


def _norm_count(*, features, use_scale=True, use_bias=True):
    return features * [use_scale, use_bias].count(True)


def _attention_count(*, features, num_heads, use_bias=True):
    if features % num_heads:
        raise ValueError(f"{num_heads} heads do not divide {features} features")
    one_map = features**2 + (features if use_bias else 0)
    return 4 * one_map  # query, key, value, output


COUNTS = {
    "dense": _dense_count,
    "mlp": _mlp_count,
    "embedding": lambda *, num_embeddings, features: num_embeddings * features,
    "convolution": _convolution_count,
    "depthwise_convolution": _depthwise_count,
    "batch_norm": _norm_count,
    "layer_norm": _norm_count,
    "attention": _attention_count,
}
