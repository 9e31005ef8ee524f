"""``Sequential`` of stock layers, called with the weights of the table."""

from __future__ import annotations

import functools

import keras

from nnspec_conformance.adapters import tables

NAMES = tuple(f"{part}_{i}" for i in range(4) for part in ("kernel", "bias"))
POOLS = {"average": keras.layers.AveragePooling2D, "max": keras.layers.MaxPooling2D}


def lenet(x, weights, *, activation, pooling):
    arrays = tables.listed(weights, NAMES, "keras.Sequential")  # it refuses more than it has, and fewer
    window = tables.size(weights, "kernel_0", "kernel_1", axis=0)
    sizes = tuple(tables.size(weights, f"kernel_{i}", f"bias_{i}") for i in range(4))
    dtype = keras.backend.standardize_dtype(x.dtype)
    model = _built(tuple(x.shape), window, sizes, activation, pooling, dtype)
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
