"""The stock layers, ``SimpleRNN`` and ``SimpleRNNCell``; lengths become a mask."""

from __future__ import annotations

import keras

from nnspec_conformance.adapters import tables
from nnspec_conformance.adapters.keras import sequences

VARIANTS = {
    "elman.no-steps": "refused",
    "elman.padded-outputs": "repeated",
    "elman.reverse-order": "processing",
}
DEFAULTS = {"elman.default-outputs": "last"}
KNOWN_FAILURES = sequences.known_failures("elman", "simple_rnn", "a mask or a carry")
NAMES = ("kernel", "recurrent_kernel", "bias")


def elman_step(x, weights, carry, *, activation):
    cell = sequences.built(keras.layers.SimpleRNNCell, _units(weights), x, activation=activation)
    return sequences.called(cell, _arranged(weights), x, [carry])[0]


def elman(x, weights, carry=None, lengths=None, *, activation, outputs=None, reverse=None):
    named = {"activation": activation}
    named |= {} if outputs is None else {"return_sequences": outputs == "all"}
    named |= {} if reverse is None else {"go_backwards": reverse}
    layer = sequences.built(keras.layers.SimpleRNN, _units(weights), x, **named)
    return sequences.called(layer, _arranged(weights), x, initial_state=carry, mask=sequences.mask(x, lengths))


def _arranged(weights):
    """The weights in the order of the variables."""
    return tables.listed(weights, NAMES, "a layer of Keras")


def _units(weights):
    return tables.size(weights, "recurrent_kernel", "bias", axis=0)
