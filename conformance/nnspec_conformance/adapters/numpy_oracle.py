"""The oracles as a subject: the same NumPy functions, in the dtype handed over. Shown as oracle, not as evidence.

Mutants are this adapter with one thing wrong. Half-precision inputs are computed in float32 and rounded once.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from nnspec_conformance.oracles.components import (
    activations,
    forward_propagation,
    layers,
    neurons,
    weights_and_biases,
)
from nnspec_conformance.subject import DTYPES as ALL_DTYPES

NAME = "numpy_oracle"
VERSION = np.__version__
DTYPES_WIDE = {"float16": np.float32, "bfloat16": np.float32}
DTYPES = tuple(ALL_DTYPES)
VARIANTS = {
    "gelu.form": ("exact", "tanh", "sigmoid"),
    "hard-sigmoid.form": ("sixth", "fifth", "half"),
    "parameter-count.rnn": ("one", "two"),
    "parameter-count.lstm": ("one", "two"),
    "parameter-count.gru": ("one", "candidate", "two"),
    "dense-native.kernel": ("in-out", "out-in"),
    "convolution-native.kernel": ("hwio", "oihw", "ohwi"),
    "lstm-native.packing": tuple(weights_and_biases.PACKINGS["lstm_native"]),
    "gru-native.packing": tuple(weights_and_biases.PACKINGS["gru_native"]),
}
DEFAULTS = {"gelu.default-form": "exact", "hard-sigmoid.default-form": "sixth"}


def _flush(y):
    """Subnormal numbers become zero."""
    tiny = np.finfo(y.dtype).smallest_normal if y.dtype != "bfloat16" else np.float32(2.0**-126)
    return np.where(np.abs(y) < tiny, np.zeros_like(y), y)


def in_dtype(function):
    """Compute half-precision arrays in float32 and round once; flush subnormals if asked to."""

    @functools.wraps(function)
    def call(x, *, subnormals="kept", **attributes):
        wide = DTYPES_WIDE.get(str(x.dtype))
        y = function(x.astype(wide) if wide else x, **attributes).astype(x.dtype)
        return _flush(y) if subnormals == "flushed" else y

    return call


def pulled_back(derivative):
    """The vector-Jacobian product of an elementwise function."""
    derivative = in_dtype(derivative)

    def vjp(x, cotangents, **attributes):
        return ((cotangents * derivative(x, **attributes)).astype(x.dtype),)

    return vjp


def along_axis(function):
    """A vector-Jacobian product that brings its own cotangents; half precision in float32, rounded once."""

    def vjp(x, cotangents, **attributes):
        wide = DTYPES_WIDE.get(str(x.dtype), x.dtype)
        return (function(x.astype(wide), cotangents.astype(wide), **attributes)[0].astype(x.dtype),)

    return vjp


def wide(tree):
    """Half-precision arrays in float32, also inside a dict."""
    if isinstance(tree, dict):
        return {name: wide(x) for name, x in tree.items()}
    return tree.astype(DTYPES_WIDE.get(str(tree.dtype), tree.dtype))


def in_dtypes(function):
    """A function of several arrays or tables: computed in float32 where they are half precision, rounded once."""

    @functools.wraps(function)
    def call(*arrays, **attributes) -> Any:
        dtype = arrays[0].dtype

        def rounded(y):
            if isinstance(y, dict):
                return {name: rounded(part) for name, part in y.items()}
            return tuple(map(rounded, y)) if isinstance(y, tuple) else y.astype(dtype)

        return rounded(function(*map(wide, arrays), **attributes))

    return call


identity = in_dtype(activations.identity)
relu = in_dtype(activations.relu)
leaky_relu = in_dtype(activations.leaky_relu)
elu = in_dtype(activations.elu)
selu = in_dtype(activations.selu)
gelu = in_dtype(activations.gelu)
sigmoid = in_dtype(activations.sigmoid)
tanh = in_dtype(activations.tanh)
softplus = in_dtype(activations.softplus)
silu = in_dtype(activations.silu)
hard_sigmoid = in_dtype(activations.hard_sigmoid)
softmax = in_dtype(activations.softmax)
log_softmax = in_dtype(activations.log_softmax)

identity_vjp = pulled_back(activations.identity_derivative)
relu_vjp = pulled_back(activations.relu_derivative)
leaky_relu_vjp = pulled_back(activations.leaky_relu_derivative)
elu_vjp = pulled_back(activations.elu_derivative)
selu_vjp = pulled_back(activations.selu_derivative)
gelu_vjp = pulled_back(activations.gelu_derivative)
sigmoid_vjp = pulled_back(activations.sigmoid_derivative)
tanh_vjp = pulled_back(activations.tanh_derivative)
softplus_vjp = pulled_back(activations.softplus_derivative)
silu_vjp = pulled_back(activations.silu_derivative)
hard_sigmoid_vjp = pulled_back(activations.hard_sigmoid_derivative)
softmax_vjp = along_axis(activations.softmax_vjp)
log_softmax_vjp = along_axis(activations.log_softmax_vjp)

gelu_second_derivative = in_dtype(activations.gelu_second_derivative)
sigmoid_second_derivative = in_dtype(activations.sigmoid_second_derivative)
tanh_second_derivative = in_dtype(activations.tanh_second_derivative)
softplus_second_derivative = in_dtype(activations.softplus_second_derivative)
silu_second_derivative = in_dtype(activations.silu_second_derivative)

dense, dense_vjp = in_dtypes(layers.dense), in_dtypes(layers.dense_vjp)
mlp, mlp_vjp = in_dtypes(layers.mlp), in_dtypes(layers.mlp_vjp)
neuron, neuron_vjp = in_dtypes(neurons.neuron), in_dtypes(neurons.neuron_vjp)
perceptron = neurons.perceptron


def parameter_count(**sizes):
    return np.asarray(weights_and_biases.parameter_count(**sizes))


dense_native = weights_and_biases.dense_native
convolution_native = weights_and_biases.convolution_native
lstm_native = weights_and_biases.lstm_native
gru_native = weights_and_biases.gru_native

forward = in_dtypes(forward_propagation.forward)
forward_vjp = in_dtypes(forward_propagation.forward_vjp)
