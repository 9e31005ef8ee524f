"""Stock layers called with their weights, the table of a network as Keras takes it, activation functions by name."""

from __future__ import annotations

import functools
import sys

import keras

from nnspec_conformance.adapters.tables import counted

ONE_AXIS = (
    "Dense refuses x of one axis, [features], 'expected min_ndim=2, found ndim=1', right is one number a unit: by "
    "design the first axis is the batch; https://github.com/keras-team/keras/issues/15521"
)
NAMES = (
    "relu6, swish and linear are taken for an activation, right is to refuse: keras.activations.get knows them by "
    "these names, and more than are declared; searched 2026-11-27, not found; "
    "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/activations/__init__.py"
)
NAMED = {"identity": "linear", "leaky_relu": functools.partial(keras.activations.leaky_relu, negative_slope=0.01)}


def activation(name):
    """What a layer takes as ``activation=``."""
    return NAMED.get(name, name)


def listed(weights):
    """The units of each layer, and the arrays in the order in which a model lists them; it refuses another number."""
    names = sorted(weights, key=_place)
    pairs = [f"{part}_{i}" for i in range(len(names) // 2) for part in ("kernel", "bias")]
    if names != pairs:
        counted(len(names), len(pairs), "keras.Sequential")
    return tuple(weights[name].shape[1] for name in names if name.startswith("kernel_")), [weights[n] for n in names]


def _place(name):
    part, _, i = name.rpartition("_")
    return int(i) if i.lstrip("-").isdigit() else sys.maxsize, part != "kernel", part


def sequential(units, hidden, last, x):
    """A function of weights and x: stock layers with these activations, built for the dtype and shape of ``x``."""
    return _built(units, hidden, last, keras.backend.standardize_dtype(x.dtype), tuple(x.shape))


@functools.cache
def _built(units, hidden, last, dtype, shape):
    data = keras.Input(batch_shape=shape, dtype=dtype)
    given = {"dtype": dtype, "kernel_initializer": "zeros"}  # replaced; to draw costs a compilation for each shape
    layers = [keras.layers.Dense(n, activation=activation(hidden), **given) for n in units[:-1]]
    output = keras.layers.Dense(units[-1], activation=activation(last), **given)
    model = keras.Sequential([data, *layers, output])
    return lambda weights, x: model.stateless_call(weights, [], x)[0]
