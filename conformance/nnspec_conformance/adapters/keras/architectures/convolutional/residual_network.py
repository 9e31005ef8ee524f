"""A functional model of stock layers, called with the weights of the table."""

from __future__ import annotations

import functools

import keras

from nnspec_conformance.adapters import tables

VARIANTS = {"residual-network.strided-padding": "least"}
NAMES = tuple(f"{part}_{i}" for i in range(7) for part in ("kernel", "bias"))


def residual_network(x, weights, *, activation):
    sizes = tuple(tables.size(weights, f"kernel_{i}", f"bias_{i}") for i in (0, 3, 6))
    model, places = _built(tuple(x.shape), sizes, activation, keras.backend.standardize_dtype(x.dtype))
    arrays = tables.listed(weights, [NAMES[i] for i in places], "keras.Model")
    return model.stateless_call(arrays, [], x)[0]  # it refuses more than it has, and fewer


@functools.cache
def _built(shape, sizes, activation, dtype):
    """Built for a shape, and the place in the table of each of its arrays: a model lists layers as they are met."""
    first, last, outputs = sizes
    given = {"dtype": dtype, "kernel_initializer": "zeros"}
    convolution = functools.partial(keras.layers.Conv2D, padding="same", **given)
    layers = [convolution(maps, 3) for maps in (first, first, first)]
    layers += [convolution(last, 3, strides=2), convolution(last, 3), convolution(last, 1, strides=2)]
    layers.append(keras.layers.Dense(outputs, **given))
    zero, one, two, three, four, projection, head = layers

    def phi(z):
        return keras.layers.Activation(activation, dtype=dtype)(z)

    def add(shortcut, branch):
        return keras.layers.Add(dtype=dtype)([shortcut, branch])

    x = keras.Input(batch_shape=shape, dtype=dtype)
    a = phi(zero(x))
    a = phi(add(a, two(phi(one(a)))))
    a = phi(add(projection(a), four(phi(three(a)))))
    model = keras.Model(x, head(keras.layers.GlobalAveragePooling2D(dtype=dtype)(a)))
    own = [id(variable) for layer in layers for variable in layer.trainable_variables]
    return model, [own.index(id(variable)) for variable in model.trainable_variables]
