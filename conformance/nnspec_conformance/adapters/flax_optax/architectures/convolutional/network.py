"""Maps reshaped, as the examples of Flax do; it has no layer for this."""

from __future__ import annotations

VARIANTS = {"network.flatten-order": "hwc"}


def flatten_features(x):
    return x.reshape(len(x), -1)
