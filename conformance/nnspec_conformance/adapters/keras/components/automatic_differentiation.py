"""The functions of ``keras.ops`` that have an edge; Keras itself has no entry point to a gradient."""

from __future__ import annotations

import keras

VARIANTS = {"where.untaken-branch": ("finite", "nan")}

pairwise_maximum = keras.ops.maximum
absolute_value = keras.ops.abs
square_root = keras.ops.sqrt
selection = keras.ops.where
power = keras.ops.power


def maximum_reduction(x):
    return keras.ops.max(x, axis=-1)


def euclidean_norm(x):
    return keras.ops.norm(x, axis=-1)


def masked_square_root(x, *, untaken_branch=None):
    inside = keras.ops.where(x > 0, x, 1) if untaken_branch == "finite" else x
    return keras.ops.where(x > 0, keras.ops.sqrt(inside), 0)


def clamp(x, *, minimum, maximum):
    return keras.ops.clip(x, minimum, maximum)


def product_reduction(x):
    return keras.ops.prod(x, axis=-1)


def embedding_lookup(table, ids):
    return keras.ops.take(table, ids, axis=0)


def stopped_gradient(x, y):
    return x * keras.ops.stop_gradient(y)


def unused_parameter(x, unused):
    return x * x
