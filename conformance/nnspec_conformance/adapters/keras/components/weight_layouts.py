"""Keras's layers on weights that lie as theirs do."""

from __future__ import annotations

import keras
from keras import layers

from nnspec_conformance.adapters import tables
from nnspec_conformance.adapters.keras.components.weights_and_biases import RECURRENT

VARIANTS = {
    "lstm-native.packing": "columns-ifgo",
    "gru-native.packing": ("columns-zrn-two-biases", "columns-zrn"),
    "gru-native.reset": ("after", "before"),
}


def _loaded(layer, shape, names, weights):
    """The layer with these weights; Keras itself refuses a number of arrays or a shape that does not fit."""
    if len(weights) == len(names) and "bias" not in weights:
        raise NotImplementedError("Keras lists the weights of a layer, and knows no names")
    layer.build(shape)
    layer.set_weights(tables.listed(weights, names, "a layer of Keras"))
    return layer


def _sizes(weights, name="kernel", axes=2):
    """The lengths of a kernel; of one that is missing any, since Keras refuses another number of arrays."""
    return weights[name].shape if name in weights else (1,) * axes


def dense_native(x, weights):
    in_features, units = _sizes(weights)
    layer = layers.Dense(units, kernel_initializer="zeros", dtype=keras.backend.standardize_dtype(x.dtype))
    return _loaded(layer, (None, in_features), ("kernel", "bias"), weights)(x)


def convolution_native(x, weights):
    *window, in_features, filters = _sizes(weights, axes=4)
    layer = layers.Conv2D(
        filters, tuple(window), kernel_initializer="zeros", dtype=keras.backend.standardize_dtype(x.dtype)
    )
    return _loaded(layer, (None, *x.shape[1:3], in_features), ("kernel", "bias"), weights)(x)


def _sequence(kind, x, weights, **form):
    units = _sizes(weights, "recurrent_kernel")[0]
    layer = kind(units, return_sequences=True, **RECURRENT, **form, dtype=keras.backend.standardize_dtype(x.dtype))
    shape = (None, x.shape[1], _sizes(weights)[0])
    return _loaded(layer, shape, ("kernel", "recurrent_kernel", "bias"), weights)(x)


def lstm_native(x, weights):
    return _sequence(layers.LSTM, x, weights)


def gru_native(x, weights, *, packing, reset):
    if (packing == "columns-zrn") != (reset == "before"):
        raise NotImplementedError("reset_after=True has two biases, False one")
    given = dict(weights)
    if "bias" in given and "recurrent_bias" in given:  # both biases are the two rows of one array
        given["bias"] = keras.ops.stack([given["bias"], given.pop("recurrent_bias")])
    return _sequence(layers.GRU, x, given, reset_after=reset == "after")
