"""The stock layers, ``LSTM`` and ``LSTMCell``; lengths become a mask."""

from __future__ import annotations

from typing import Any

import keras

from nnspec_conformance.adapters.keras.architectures.recurrent import RNN, _built, _steps

VARIANTS = {
    "lstm.no-steps": "refused",
    "lstm.padded-outputs": "repeated",
    "lstm.reverse-order": "processing",
}
KNOWN_FAILURES = {
    "lstm.padding-gradient": (
        "with NaN in the masked steps every gradient is NaN, right is that of other padding: the new state is masked "
        "and the input is not, so that zero times NaN reaches the backward pass; "
        "searched 2026-11-28, not found; https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/jax/rnn.py"
    ),
    "lstm.lengths-range": (
        "a length of 8 in 7 steps is taken, right is a refusal: a layer has no lengths, and the mask that is made of "
        f"them, as the guide on masking makes it, compares nothing; searched 2026-11-28, not found; {RNN}rnn.py"
    ),
    "lstm.lengths-integer": (
        "a length of 2.5 is taken for 3, right is a refusal: a layer has no lengths, and a mask is made of any "
        f"numbers; searched 2026-11-28, not found; {RNN}rnn.py"
    ),
    "duty.broadcasting[lstm_step]": (
        "one input is taken for a batch of four states, right is a refusal: nothing compares shapes, and sums "
        f"broadcast; searched 2026-11-28, not found; {RNN}lstm.py"
    ),
    "duty.broadcasting[lstm]": (
        "a mask of one example is taken for five, right is a refusal: nothing compares shapes, and masks "
        f"broadcast; searched 2026-11-28, not found; {RNN}rnn.py"
    ),
}
GATES = "ifgo"
NAMES = ("kernel", "recurrent_kernel", "bias")


def lstm_step(x, weights, h, c):
    table = _packed(weights)
    cell = _built(keras.layers.LSTMCell, table, x, ())
    return tuple(_called(cell, table, x, [h, c])[1])


def lstm(x, weights, h=None, c=None, lengths=None, *, reverse=None):
    table = _packed(weights)
    named = {"return_sequences": True, "return_state": True}
    named |= {} if reverse is None else {"go_backwards": reverse}
    layer = _built(keras.layers.LSTM, table, x, tuple(sorted(named.items())))
    mask = None if lengths is None else keras.ops.expand_dims(_steps(x, lengths), 0) < lengths[:, None]
    return tuple(_called(layer, table, x, initial_state=None if h is None else [h, c], mask=mask))


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
        gates: Any = keras.ops.stack([table.pop(f"{name}_{gate}") for gate in GATES], -2)
        packed[name] = keras.ops.reshape(gates, (*gates.shape[:-2], gates.shape[-2] * gates.shape[-1]))
    return packed | table


def _called(layer, table, *arrays, **given):
    seeds = [variable.value for variable in layer.non_trainable_variables]
    return layer.stateless_call(list(table.values()), seeds, *arrays, **given)[0]
