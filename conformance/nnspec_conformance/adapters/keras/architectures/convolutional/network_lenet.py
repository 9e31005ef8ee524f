"""``Sequential`` of stock layers, called with the weights of the table."""

from __future__ import annotations

import functools

import keras

NAMES = tuple(f"{part}_{i}" for i in range(4) for part in ("kernel", "bias"))
POOLS = {"average": keras.layers.AveragePooling2D, "max": keras.layers.MaxPooling2D}


def lenet(x, weights, *, activation, pooling):
    table = dict(weights)
    arrays = [table.pop(name) for name in NAMES] + list(table.values())  # Keras refuses more than it has
    sizes = tuple(w.shape[-1] for w in arrays[:8:2])
    dtype = keras.backend.standardize_dtype(x.dtype)
    model = _built(tuple(x.shape), arrays[0].shape[0], sizes, activation, pooling, dtype)
    return model.stateless_call(arrays, [], x)[0]


@functools.cache
def _built(shape, window, sizes, activation, pooling, dtype):
    """Built for a shape; it is called with its weights."""
    given = {"dtype": dtype, "kernel_initializer": "zeros"}
    layers = [keras.Input(batch_shape=shape, dtype=dtype)]
    for maps in sizes[:2]:
        layers += [
            keras.layers.Conv2D(maps, window, padding="same", activation=activation, **given),
            POOLS[pooling](2, dtype=dtype),
        ]
    head = [keras.layers.Dense(sizes[2], activation=activation, **given), keras.layers.Dense(sizes[3], **given)]
    return keras.Sequential([*layers, keras.layers.Flatten(dtype=dtype), *head])
