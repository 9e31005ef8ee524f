"""Keras 3: ``keras.activations``, which is what the ``activation=`` of a layer names, on the backend already chosen."""

from __future__ import annotations

import keras

from nnspec_conformance.adapters._weights_keras import (
    convolution_native,
    dense_native,
    gru_native,
    lstm_native,
    parameter_count,
)

VERSION = keras.__version__

identity = keras.activations.linear
relu = keras.activations.relu
leaky_relu = keras.activations.leaky_relu
elu = keras.activations.elu
selu = keras.activations.selu
sigmoid = keras.activations.sigmoid
tanh = keras.activations.tanh
softplus = keras.activations.softplus
silu = keras.activations.silu
hard_sigmoid = keras.activations.hard_sigmoid
softmax = keras.activations.softmax
log_softmax = keras.activations.log_softmax


def gelu(x, **given):
    if "form" in given:
        given["approximate"] = {"exact": False, "tanh": True}[given.pop("form")]
    return keras.activations.gelu(x, **given)  # exact if left out; keras.ops.gelu is the tanh form if left out


def require(backend: str) -> None:
    """Refuse to speak for one backend while Keras runs on another.

    Raises:
        ImportError: Keras was imported earlier in this process, with another backend.
    """
    loaded = keras.backend.backend()
    if loaded != backend:
        raise ImportError(f"Keras already runs on {loaded} in this process, not on {backend}; check one backend a run")
