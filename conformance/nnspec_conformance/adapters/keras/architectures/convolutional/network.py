"""Stock models with an output for every value."""

from __future__ import annotations

import functools

import keras

VARIANTS = {"network.flatten-order": "hwc", "network.strided-zeros": "end"}
PHI = ("tanh", "relu")
POOL = {"average": keras.layers.AveragePooling2D, "max": keras.layers.MaxPooling2D}
LENET = ("kernel_0", "bias_0", "kernel_1", "bias_1", "kernel_2", "bias_2", "kernel_3", "bias_3")
RESIDUAL = ("kernel_0", "bias_0", "kernel_1", "bias_1", "kernel_2", "bias_2", "kernel_3", "bias_3")
RESIDUAL += ("kernel_4", "bias_4", "shortcut_kernel", "shortcut_bias", "kernel_5", "bias_5")


def flatten_features(x):
    return keras.layers.Flatten()(x)


def lenet(x, weights, *, activation, pooling):
    return _called(_lenet, LENET, x, weights, activation, pooling)


def residual_network(x, weights, *, activation):
    return _called(_residual_network, RESIDUAL, x, weights, activation)


def _called(build, names, x, weights, activation, *rest):
    if set(weights) != set(names):
        if len(weights) == len(names):
            raise NotImplementedError("Keras lists the weights of a model, and knows no names")
        raise ValueError(f"{len(weights)} arrays for a model of {len(names)}")
    if activation not in PHI:
        raise ValueError(f"no activation {activation!r}")
    units = tuple(weights[name].shape[-1] for name in names if "kernel" in name)
    model, order = build(units, activation, *rest, keras.backend.standardize_dtype(x.dtype), tuple(x.shape))
    return model.stateless_call([weights[name] for name in order], [], x)[0]


def _ordered(model):
    """The names of a model's arrays as it lists them; each layer has the name of its kernel."""
    pairs = [(layer.name, layer.name.replace("kernel", "bias")) for layer in model.layers if layer.weights]
    return model, [name for pair in pairs for name in pair]


@functools.cache
def _lenet(units, activation, pooling, dtype, shape):
    x = keras.Input(batch_shape=shape, dtype=dtype)
    given = {"dtype": dtype, "kernel_initializer": "zeros"}  # replaced; to draw costs a compilation for each shape
    values, a = {}, x
    for i in (0, 1):
        conv = keras.layers.Conv2D(units[i], 5, padding="same", activation=activation, name=f"kernel_{i}", **given)
        values[f"maps_{i}"] = a = conv(a)
        values[f"pooled_{i}"] = a = POOL[pooling](2, dtype=dtype)(a)
    values["features"] = a = keras.layers.Flatten(dtype=dtype)(a)
    values["hidden"] = a = keras.layers.Dense(units[2], activation=activation, name="kernel_2", **given)(a)
    values["output"] = keras.layers.Dense(units[3], name="kernel_3", **given)(a)
    return _ordered(keras.Model(x, values))


@functools.cache
def _residual_network(units, activation, dtype, shape):
    x = keras.Input(batch_shape=shape, dtype=dtype)
    given = {"dtype": dtype, "kernel_initializer": "zeros"}
    layers, act = keras.layers, functools.partial(keras.layers.Activation, activation, dtype=dtype)

    def conv(i, stride=1):
        return layers.Conv2D(units[i], 3, strides=stride, padding="same", name=f"kernel_{i}", **given)

    values = {}
    values["maps"] = a = act()(conv(0)(x))
    values["block_0"] = a = act()(layers.Add(dtype=dtype)([conv(2)(act()(conv(1)(a))), a]))
    shortcut = layers.Conv2D(units[5], 1, strides=2, name="shortcut_kernel", **given)(a)
    values["block_1"] = a = act()(layers.Add(dtype=dtype)([conv(4)(act()(conv(3, 2)(a))), shortcut]))
    values["pooled"] = a = layers.GlobalAveragePooling2D(dtype=dtype)(a)
    values["output"] = layers.Dense(units[6], name="kernel_5", **given)(a)
    return _ordered(keras.Model(x, values))
