"""The stock layers, ``GRU`` and ``GRUCell``, with both places of the reset gate; lengths become a mask.

The gates z, r, n lie beside one another. With the reset gate after the product there are two rows of biases.
"""

from __future__ import annotations

import keras

from nnspec_conformance.adapters import tables
from nnspec_conformance.adapters.keras import sequences

VARIANTS = {
    "gru.reset": ("after", "before"),
    "gru.no-steps": "refused",
    "gru.padded-outputs": "repeated",
    "gru.reverse-order": "processing",
}
DEFAULTS = {"gru.default-outputs": "last"}
KNOWN_FAILURES = sequences.known_failures("gru", "gru", "a mask or a carry")
GATES = ("z", "r", "n")


def gru_step(x, weights, carry, *, reset):
    arranged = _arranged(weights, reset == "after")
    cell = sequences.built(keras.layers.GRUCell, _units(weights), x, reset_after=reset == "after")
    return sequences.called(cell, arranged, x, [carry])[0]


def gru(x, weights, carry=None, lengths=None, *, reset, outputs=None, reverse=None):
    named = {"reset_after": reset == "after"}
    named |= {} if outputs is None else {"return_sequences": outputs == "all"}
    named |= {} if reverse is None else {"go_backwards": reverse}
    arranged = _arranged(weights, reset == "after")
    layer = sequences.built(keras.layers.GRU, _units(weights), x, **named)
    return sequences.called(layer, arranged, x, initial_state=carry, mask=sequences.mask(x, lengths))


def _arranged(weights, reset_after):
    """The weights in the order of the variables."""
    left = dict(weights)
    kernels = [_beside(left, kind) for kind in ("kernel", "recurrent_kernel", "bias")]
    if reset_after:
        (second,) = tables.packed(left, ["recurrent_bias_n"], "the bias of keras.layers.GRU")
        zero = keras.ops.zeros_like(second)  # the gates have a second bias, too, which is added to the first
        kernels[-1] = keras.ops.stack([kernels[-1], keras.ops.concatenate([zero, zero, second], -1)])
    return [*kernels, *left.values()]


def _beside(left, kind):
    names = [f"{kind}_{gate}" for gate in GATES]
    return keras.ops.concatenate(tables.packed(left, names, f"the {kind} of keras.layers.GRU"), -1)


def _units(weights):
    return weights["bias_n"].shape[0]
