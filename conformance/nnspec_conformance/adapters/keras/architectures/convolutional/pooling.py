"""The stock layers, which pad by name alone."""

from __future__ import annotations

import keras

VARIANTS = {"average-pool.count-pads": "left-out"}


def max_pool(x, **given):
    return keras.layers.MaxPooling2D(**_named(x, given))(x)


def average_pool(x, **given):
    return keras.layers.AveragePooling2D(**_named(x, given))(x)


def global_average_pool(x):
    return keras.layers.GlobalAveragePooling2D(dtype=keras.backend.standardize_dtype(x.dtype))(x)


def _named(x, given):
    if "pads" in given:
        raise NotImplementedError("a layer pads by name alone")
    if given.get("padding") == "same_lower":
        raise NotImplementedError("no same_lower")
    if given.pop("ceil_mode", False):
        raise NotImplementedError("no ceil_mode")
    names = {"window": "pool_size", "stride": "strides"}
    named = {names.get(name, name): value for name, value in given.items()}
    return named | {"dtype": keras.backend.standardize_dtype(x.dtype)}
