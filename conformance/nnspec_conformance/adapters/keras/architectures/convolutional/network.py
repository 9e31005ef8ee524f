"""The stock layer ``Flatten``."""

from __future__ import annotations

import keras

VARIANTS = {"network.flatten-order": "hwc"}


def flatten_features(x):
    return keras.layers.Flatten(dtype=x.dtype)(x)
