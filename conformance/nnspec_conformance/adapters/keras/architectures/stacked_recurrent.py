"""The stock layer ``Bidirectional``, and ``RNN`` of stacked cells; lengths become a mask.

``RNN`` takes a list of cells, too, and stacks them without its own dtype: their states begin in float32, where a scan
of JAX refuses an answer in half precision. So the cells are stacked here, with the dtype.
"""

from __future__ import annotations

import functools

import keras

from nnspec_conformance.adapters import tables as handed_on
from nnspec_conformance.adapters.keras import sequences
from nnspec_conformance.adapters.keras.architectures import gru, lstm, recurrent

KNOWN_FAILURES = {
    "duty.broadcasting[bidirectional]": (
        "a mask of one example is taken for five, right is a refusal: nothing compares shapes, and masks broadcast; "
        f"{sequences.SEARCHED}; {sequences.RNN}rnn.py"
    ),
}
LAYERS = {
    "tanh": (keras.layers.SimpleRNN, keras.layers.SimpleRNNCell, {"activation": "tanh"}),
    "relu": (keras.layers.SimpleRNN, keras.layers.SimpleRNNCell, {"activation": "relu"}),
    "lstm": (keras.layers.LSTM, keras.layers.LSTMCell, {}),
    "gru": (keras.layers.GRU, keras.layers.GRUCell, {"reset_after": True}),
}


def stacked_recurrent(x, weights, *, cell):
    tables, rest = [], dict(weights)
    while any(name.endswith(f"_{len(tables)}") for name in rest):
        end = f"_{len(tables)}"
        tables.append({n.removesuffix(end): rest.pop(n) for n in [*rest] if n.endswith(end)})
    layer = _built("stack", cell, len(tables), *_sizes(x, tables[0]))
    states, *last = _called(layer, cell, tables, rest, x)
    return states, keras.ops.stack([keras.tree.flatten(part)[0] for part in last])  # of an LSTM the state, not the cell


def bidirectional(x, weights, lengths=None, *, cell):
    tables, rest = [], dict(weights)
    for start in ("forward_", "backward_"):
        tables.append({n.removeprefix(start): rest.pop(n) for n in [*rest] if n.startswith(start)})
    layer = _built("both", cell, 1, *_sizes(x, tables[0]))
    states, *last = _called(layer, cell, tables, rest, x, mask=sequences.mask(x, lengths))
    return states, keras.ops.concatenate(last[:: 2 if cell == "lstm" else 1], -1)


def _called(layer, cell, tables, rest, *arrays, **given):
    arranged = [w for table in tables for w in _arranged(table, cell)]
    if rest:
        handed_on.counted(len(arranged) + len(rest), len(layer.trainable_variables), "a layer of Keras")
    return sequences.called(layer, [*arranged, *rest.values()], *arrays, **given)


def _arranged(table, cell):
    """The weights of one cell in the order of its variables."""
    if cell == "gru":
        return gru._arranged(table, reset_after=True)
    return list(lstm._packed(table).values()) if cell == "lstm" else recurrent._arranged(table)


def _sizes(x, table):
    units = handed_on.size(table, *(name for name in table if name.startswith("bias")), *table)
    return units, tuple(x.shape), keras.backend.standardize_dtype(x.dtype)


@functools.cache
def _built(kind, cell, count, units, shape, dtype):
    """Built for a shape; it is called with its weights."""
    whole, one, named = LAYERS[cell]
    named = named | {"kernel_initializer": "zeros", "recurrent_initializer": "zeros", "dtype": dtype}
    both = {"return_sequences": True, "return_state": True}
    if kind == "stack":
        cells = keras.layers.StackedRNNCells([one(units, **named) for _ in range(count)], dtype=dtype)
        layer = keras.layers.RNN(cells, dtype=dtype, **both)
    else:
        layer = keras.layers.Bidirectional(whole(units, **named, **both), dtype=dtype)
    layer.build(shape)
    return layer
