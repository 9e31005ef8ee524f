"""``keras.activations``, which is what the ``activation=`` of a layer names."""

from __future__ import annotations

import keras

VARIANTS = {"gelu.form": ("exact", "tanh")}
DEFAULTS = {"gelu.default-form": "exact", "leaky-relu.negative-slope": 0.2}

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
