"""``keras.ops.image.resize``; Keras has nothing that shuffles pixels."""

from __future__ import annotations

import keras


def resize_nearest(x, *, size):
    return _resized(x, size, "nearest")


def resize_linear(x, *, size, **given):
    return _resized(x, size, "bilinear", **given)


def resize_cubic(x, *, size):
    return _resized(x, size, "bicubic")


def _resized(x, size, method, **given):
    return keras.ops.image.resize(x, size, interpolation=method, data_format="channels_last", **given)
