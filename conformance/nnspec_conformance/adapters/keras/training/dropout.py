"""``Dropout``, and ``SpatialDropout1D`` to ``SpatialDropout3D``, called with the state of their seed generator."""

from __future__ import annotations

import keras

DEFAULTS = {"dropout.mode[dropout]": False, "dropout.mode[feature_dropout]": False}


def dropout(x, *, seed, rate, **given):
    return _called(keras.layers.Dropout, x, seed, rate, **given)[0]


def feature_dropout(x, *, seed, rate, **given):
    kinds = {3: keras.layers.SpatialDropout1D, 4: keras.layers.SpatialDropout2D, 5: keras.layers.SpatialDropout3D}
    if x.ndim not in kinds:
        raise NotImplementedError("one, two or three axes of places")
    return _called(kinds[x.ndim], x, seed, rate, **given)[0]


def repeated_dropout(x, *, seed, rate):
    return _called(keras.layers.Dropout, x, seed, rate, calls=2, train=True)


def _called(kind, x, seed, rate, *, calls=1, **given):
    """What each call gives; the state of the seed generator goes from one to the next."""
    mode = {"training": given.pop("train")} if "train" in given else {}
    layer = kind(rate, seed=seed, dtype=keras.backend.standardize_dtype(x.dtype), **given)
    layer.build(tuple(x.shape))
    states, results = [variable.value for variable in layer.non_trainable_variables], []
    for _ in range(calls):
        y, states = layer.stateless_call([], states, x, **mode)
        results.append(y)
    return tuple(results)
