"""A stock model with an output for every value."""

from __future__ import annotations

import functools

import keras

from nnspec_conformance.adapters.keras import network

KNOWN_FAILURES = {"forward.single-example": network.ONE_AXIS, "duty.choices[forward]": network.NAMES}


def forward(x, weights, *, activation):
    units, arrays = network.listed(weights)
    model = _recording(units, activation, keras.backend.standardize_dtype(x.dtype), tuple(x.shape))
    return model.stateless_call(arrays, [], x)[0]


@functools.cache
def _recording(units, activation, dtype, shape):
    """Built for a shape; it is called with its weights."""
    phi = network.activation(activation)
    x = a = keras.Input(batch_shape=shape, dtype=dtype)
    values = {}
    for i, n in enumerate(units):
        values[f"z_{i}"] = z = keras.layers.Dense(n, dtype=dtype)(a)
        values[f"a_{i}"] = a = keras.layers.Activation(phi, dtype=dtype)(z) if i < len(units) - 1 else z
    return keras.Model(x, values)
