"""Flax's layers on weights that lie as theirs do."""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx

from nnspec_conformance.adapters.flax_optax import network

VARIANTS = {
    "lstm-native.packing": ("by-gate", "columns-ifgo"),  # LSTMCell, OptimizedLSTMCell
    "gru-native.packing": "columns-rzn",  # https://github.com/google/flax/issues/5594: b_hn is missing
}
KNOWN_FAILURES = {
    f"duty.broadcasting[{operation}]": (
        "a bias of one entry in a layer of 5 units is taken and added to every unit, right is to refuse: neither "
        "nnx.merge nor nnx.update compares shapes, and nnx.Linear and nnx.Conv broadcast the bias; "
        "searched 2026-11-27, not found; https://github.com/google/flax/blob/v0.12.8/flax/nnx/nn/linear.py"
    )
    for operation in ("dense_native", "convolution_native", "lstm_native", "gru_native")
} | {f"duty.names[{operation}]": network.ORDER for operation in ("dense_native", "convolution_native", "lstm_native")}
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


def _loaded(make, names, weights):
    """The module with these weights. nnx.merge refuses another number of arrays, nnx.update does not."""
    state = {}
    for name, w in weights.items():
        *path, last = names.get(name, (name,))
        inner = state
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = nnx.Param(w)
    return nnx.merge(nnx.split(nnx.eval_shape(make))[0], nnx.State(state))


def _sizes(weights, name="kernel", axes=2):
    """The lengths of a kernel; of one that is missing any, since nnx.merge refuses the table."""
    return weights[name].shape if name in weights else (1,) * axes


def dense_native(x, weights):
    in_features, out_features = _sizes(weights)
    return _loaded(lambda: nnx.Linear(in_features, out_features, rngs=nnx.Rngs(0)), {}, weights)(x)


def convolution_native(x, weights):
    *window, n, m = _sizes(weights, axes=4)
    return _loaded(lambda: nnx.Conv(n, m, tuple(window), padding="VALID", rngs=nnx.Rngs(0)), {}, weights)(x)


def _states(kind, names, x, weights, in_features, hidden):
    cell = _loaded(lambda: kind(in_features, hidden, param_dtype=x.dtype, rngs=nnx.Rngs(0)), names, weights)
    start = jnp.zeros((len(x), hidden), x.dtype)
    return nnx.RNN(cell)(x, initial_carry=start if kind is nnx.GRUCell else (start, start))


def lstm_native(x, weights, *, packing):
    if packing == "by-gate":
        return _states(nnx.LSTMCell, LSTM_NAMES, x, weights, *_sizes(weights, "kernel_i"))
    in_features, four_hidden = _sizes(weights)
    return _states(nnx.OptimizedLSTMCell, OPTIMIZED_LSTM_NAMES, x, weights, in_features, four_hidden // 4)


def gru_native(x, weights):
    in_features, three_hidden = _sizes(weights)
    return _states(nnx.GRUCell, GRU_NAMES, x, weights, in_features, three_hidden // 3)
