"""Flax's layers: how many parameters they have, and what they compute with weights that lie as theirs do."""

from __future__ import annotations

import itertools
import math

import jax.numpy as jnp
from flax import nnx

VARIANTS = {
    "lstm-native.packing": ("by-gate", "columns-ifgo"),  # LSTMCell, OptimizedLSTMCell
    "gru-native.packing": "columns-rzn",  # https://github.com/google/flax/issues/5594: b_hn is missing
}
KNOWN_FAILURES = {
    f"native.shape-error[{operation}]": (
        "a bias of one entry in a layer of 5 units is taken and added to every unit, right is to refuse: neither "
        "nnx.merge nor nnx.update compares shapes, and nnx.Linear and nnx.Conv broadcast the bias; "
        "searched 2026-11-27, not found; https://github.com/google/flax/blob/main/flax/nnx/nn/linear.py"
    )
    for operation in ("dense_native", "convolution_native", "lstm_native", "gru_native")
}
GATES = ("i", "f", "g", "o")
LSTM_NAMES = {
    **{f"kernel_{gate}": ("if_" if gate == "f" else f"i{gate}", "kernel") for gate in GATES},
    **{f"recurrent_kernel_{gate}": (f"h{gate}", "kernel") for gate in GATES},
    **{f"bias_{gate}": (f"h{gate}", "bias") for gate in GATES},
}
OPTIMIZED_LSTM_NAMES = {
    "kernel": ("dense_i", "kernel"), "recurrent_kernel": ("dense_h", "kernel"), "bias": ("dense_h", "bias")
}  # fmt: skip
GRU_NAMES = OPTIMIZED_LSTM_NAMES | {"bias": ("dense_i", "bias")}


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


def _loaded(make, names, weights):
    """The module with these weights. nnx.merge refuses missing and additional names, not shapes; nnx.update neither."""
    state = {}
    for name, w in weights.items():
        *path, last = names.get(name, (name,))
        inner = state
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = nnx.Param(w)
    return nnx.merge(nnx.split(nnx.eval_shape(make))[0], nnx.State(state))


def dense_native(x, weights):
    in_features, out_features = weights["kernel"].shape
    return _loaded(lambda: nnx.Linear(in_features, out_features, rngs=nnx.Rngs(0)), {}, weights)(x)


def convolution_native(x, weights):
    *window, n, m = weights["kernel"].shape
    return _loaded(lambda: nnx.Conv(n, m, tuple(window), padding="VALID", rngs=nnx.Rngs(0)), {}, weights)(x)


def _states(kind, names, x, weights, in_features, hidden):
    cell = _loaded(lambda: kind(in_features, hidden, param_dtype=x.dtype, rngs=nnx.Rngs(0)), names, weights)
    start = jnp.zeros((len(x), hidden), x.dtype)
    return nnx.RNN(cell)(x, initial_carry=start if kind is nnx.GRUCell else (start, start))


def lstm_native(x, weights, *, packing):
    if packing == "by-gate":
        return _states(nnx.LSTMCell, LSTM_NAMES, x, weights, *weights["kernel_i"].shape)
    in_features, four_hidden = weights["kernel"].shape
    return _states(nnx.OptimizedLSTMCell, OPTIMIZED_LSTM_NAMES, x, weights, in_features, four_hidden // 4)


def gru_native(x, weights):
    in_features, three_hidden = weights["kernel"].shape
    return _states(nnx.GRUCell, GRU_NAMES, x, weights, in_features, three_hidden // 3)
