"""The oracle's counts and converters."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.oracles.components import weights_and_biases

VARIANTS = {
    "parameter-count.rnn": ("one", "two"),
    "parameter-count.lstm": ("one", "two"),
    "parameter-count.gru": ("one", "candidate", "two"),
    "dense-native.kernel": ("in-out", "out-in"),
    "convolution-native.kernel": ("hwio", "oihw", "ohwi"),
    "lstm-native.packing": tuple(weights_and_biases.PACKINGS["lstm_native"]),
    "gru-native.packing": tuple(weights_and_biases.PACKINGS["gru_native"]),
}

dense_native = weights_and_biases.dense_native
convolution_native = weights_and_biases.convolution_native
lstm_native = weights_and_biases.lstm_native
gru_native = weights_and_biases.gru_native


def parameter_count(**sizes):
    return np.asarray(weights_and_biases.parameter_count(**sizes))
