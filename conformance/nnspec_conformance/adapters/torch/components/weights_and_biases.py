"""PyTorch's layers: how many parameters they have."""

from __future__ import annotations

import itertools

import torch
from torch import nn

VARIANTS = {
    "parameter-count.rnn": "two",
    "parameter-count.lstm": "two",
    "parameter-count.gru": "two",
}


def _norm(kind, features, use_scale, use_bias):
    if use_bias and not use_scale:
        raise NotImplementedError("a bias without a scale")
    if kind is nn.LayerNorm:
        return nn.LayerNorm(features, elementwise_affine=use_scale, bias=use_bias)
    if use_scale != use_bias:
        raise NotImplementedError("scale and bias apart")
    return kind(features, affine=use_scale)


def _convolution(kernel_size, in_features, out_features, groups=1, use_bias=True):
    kind = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[len(kernel_size)]
    return kind(in_features, out_features, kernel_size, groups=groups, bias=use_bias)


LAYERS = {
    "dense": lambda in_features, out_features, use_bias=True: nn.Linear(in_features, out_features, bias=use_bias),
    "mlp": lambda sizes, use_bias=True: nn.Sequential(
        *[nn.Linear(n, m, bias=use_bias) for n, m in itertools.pairwise(sizes)]
    ),
    "embedding": lambda num_embeddings, features: nn.Embedding(num_embeddings, features),
    "convolution": _convolution,
    "depthwise_convolution": lambda kernel_size, in_features, multiplier=1, use_bias=True: _convolution(
        kernel_size, in_features, in_features * multiplier, in_features, use_bias
    ),
    "batch_norm": lambda features, use_scale=True, use_bias=True: _norm(nn.BatchNorm1d, features, use_scale, use_bias),
    "layer_norm": lambda features, use_scale=True, use_bias=True: _norm(nn.LayerNorm, features, use_scale, use_bias),
    "rnn": lambda in_features, hidden_features, use_bias=True: nn.RNN(in_features, hidden_features, bias=use_bias),
    "lstm": lambda in_features, hidden_features, use_bias=True: nn.LSTM(in_features, hidden_features, bias=use_bias),
    "gru": lambda in_features, hidden_features, use_bias=True: nn.GRU(in_features, hidden_features, bias=use_bias),
    "attention": lambda features, num_heads, use_bias=True: nn.MultiheadAttention(features, num_heads, bias=use_bias),
}


def parameter_count(*, layer, **sizes):
    with torch.device("meta"):  # shapes only
        return sum(p.numel() for p in LAYERS[layer](**sizes).parameters())
