"""The stock layers, ``LSTM`` and ``LSTMCell``; lengths become a mask."""

from __future__ import annotations

from typing import Any

import keras

from nnspec_conformance.adapters import tables
from nnspec_conformance.adapters.keras import sequences

VARIANTS = {
    "lstm.no-steps": "refused",
    "lstm.padded-outputs": "repeated",
    "lstm.reverse-order": "processing",
}
KNOWN_FAILURES = sequences.known_failures("lstm", "lstm", "a mask")
GATES = "ifgo"
NAMES = ("kernel", "recurrent_kernel", "bias")


def lstm_step(x, weights, h, c):
    table = _packed(weights)
    cell = sequences.built(keras.layers.LSTMCell, _units(table), x)
    return tuple(sequences.called(cell, list(table.values()), x, [h, c])[1])


def lstm(x, weights, h=None, c=None, lengths=None, *, reverse=None):
    table = _packed(weights)
    named = {} if reverse is None else {"go_backwards": reverse}
    layer = sequences.built(keras.layers.LSTM, _units(table), x, return_sequences=True, return_state=True, **named)
    start = None if h is None else [h, c]
    arranged = list(table.values())
    return tuple(sequences.called(layer, arranged, x, initial_state=start, mask=sequences.mask(x, lengths)))


def lstm_forget_bias(*, in_features, hidden_features, forget_bias=None):
    named: Any = {} if forget_bias is None else {"unit_forget_bias": _flag(forget_bias)}
    zeros = {"kernel_initializer": "zeros", "recurrent_initializer": "zeros"}
    layer = keras.layers.LSTM(hidden_features, **zeros, **named)
    layer.build((1, 1, in_features))
    bias: Any = layer.cell.bias
    gates: Any = keras.ops.split(bias, len(GATES))
    return keras.ops.mean(gates[1])


def _flag(forget_bias):
    if forget_bias not in (0, 1):
        raise NotImplementedError("a forget bias other than 0 and 1")
    return bool(forget_bias)


def _packed(weights):
    """The gates side by side, in the order of the layer's variables; Keras itself refuses another number of them."""
    table = dict(weights)
    packed = {}
    for name in NAMES:
        names = [f"{name}_{gate}" for gate in GATES]
        gates: Any = keras.ops.stack(tables.packed(table, names, f"the {name} of keras.layers.LSTM"), -2)
        packed[name] = keras.ops.reshape(gates, (*gates.shape[:-2], gates.shape[-2] * gates.shape[-1]))
    return packed | table


def _units(table):
    return table["recurrent_kernel"].shape[0]
