"""Keras 3: ``keras.activations``, which is what the ``activation=`` of a layer names, on the backend already chosen."""

from __future__ import annotations

import functools

import keras

from nnspec_conformance.adapters._weights_keras import (
    convolution_native,
    dense_native,
    gru_native,
    lstm_native,
    parameter_count,
)

VERSION = keras.__version__
KNOWN_FAILURES = dict.fromkeys(  # on every backend
    ("layers.shape[dense]", "layers.shape[mlp]", "neuron.shape", "forward.single-example"),
    "Dense refuses x of one axis, [features], 'expected min_ndim=2, found ndim=1', right is one number a unit: by "
    "design the first axis is the batch; not reported; "
    "https://github.com/keras-team/keras/blob/master/keras/src/layers/core/dense.py",
)

identity = keras.activations.linear
relu = keras.activations.relu
leaky_relu = keras.activations.leaky_relu
elu = keras.activations.elu
selu = keras.activations.selu
sigmoid = keras.activations.sigmoid
tanh = keras.activations.tanh
softplus = keras.activations.softplus
silu = keras.activations.silu
hard_sigmoid = keras.activations.hard_sigmoid
softmax = keras.activations.softmax
log_softmax = keras.activations.log_softmax


def gelu(x, **given):
    if "form" in given:
        given["approximate"] = {"exact": False, "tanh": True}[given.pop("form")]
    return keras.activations.gelu(x, **given)  # exact if left out; keras.ops.gelu is the tanh form if left out


def dense(x, kernel, bias):
    return _model((kernel.shape[1],), "identity", x)([kernel, bias], x)


def mlp(x, weights, *, activation):
    kernels = sorted((name for name in weights if name.startswith("kernel_")), key=_place)
    units = tuple(weights[name].shape[1] for name in kernels)
    return _model(units, activation, x)([weights[name] for name in sorted(weights, key=_place)], x)


def neuron(x, weights, bias, *, activation):
    return _model((1,), "identity", x, activation)([weights[:, None], bias[None]], x)[..., 0]


def _place(name):
    """The order in which Keras lists the weights of a model; it refuses too few and too many."""
    part, i = name.split("_")
    return int(i), part != "kernel", part


def _model(units, activation, x, last="identity"):
    return _built(units, activation, last, keras.backend.standardize_dtype(x.dtype), tuple(x.shape))


@functools.cache
def _built(units, activation, last, dtype, shape):
    """Stock layers, called with their weights."""
    slope = functools.partial(keras.activations.leaky_relu, negative_slope=0.01)
    phi, output = ({"identity": "linear", "leaky_relu": slope}.get(name, name) for name in (activation, last))
    data = keras.Input(batch_shape=shape, dtype=dtype)
    given = {"dtype": dtype, "kernel_initializer": "zeros"}  # replaced; to draw costs a compilation for each shape
    hidden = [keras.layers.Dense(n, activation=phi, **given) for n in units[:-1]]
    model = keras.Sequential([data, *hidden, keras.layers.Dense(units[-1], activation=output, **given)])
    return lambda weights, x: model.stateless_call(weights, [], x)[0]


def require(backend: str) -> None:
    """Refuse to speak for one backend while Keras runs on another.

    Raises:
        ImportError: Keras was imported earlier in this process, with another backend.
    """
    loaded = keras.backend.backend()
    if loaded != backend:
        raise ImportError(f"Keras already runs on {loaded} in this process, not on {backend}; check one backend a run")


def forward(x, weights, *, activation):
    parts = [(*name.split("_"), value) for name, value in weights.items()]
    parts = sorted(parts, key=lambda part: (int(part[1]), part[0] != "kernel", part[0]))  # as Keras lists them
    units = tuple(value.shape[1] for part, _, value in parts if part == "kernel")
    model = _recording(units, activation, keras.backend.standardize_dtype(x.dtype), tuple(x.shape))
    return model.stateless_call([value for *_, value in parts], [], x)[0]  # a list of another length is refused


@functools.cache
def _recording(units, activation, dtype, shape):
    """A stock model with an output for every value, built for a shape; it is called with its weights."""
    slope = functools.partial(keras.activations.leaky_relu, negative_slope=0.01)
    phi = {"identity": "linear", "leaky_relu": slope}.get(activation, activation)
    x = a = keras.Input(batch_shape=shape, dtype=dtype)
    values = {}
    for i, n in enumerate(units):
        values[f"z_{i}"] = z = keras.layers.Dense(n, dtype=dtype)(a)
        values[f"a_{i}"] = a = keras.layers.Activation(phi, dtype=dtype)(z) if i < len(units) - 1 else z
    return keras.Model(x, values)
