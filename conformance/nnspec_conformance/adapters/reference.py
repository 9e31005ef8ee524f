"""The project's own reference implementation."""

from __future__ import annotations

import jax

import nnspec
from nnspec.components import activations, forward_propagation, layers, neurons
from nnspec_conformance.adapters import _jax, _weights_reference
from nnspec_conformance.adapters._weights_reference import (
    convolution_native,
    dense_native,
    gru_native,
    lstm_native,
    parameter_count,
)

NAME = "reference"
VERSION = nnspec.__version__
DTYPES = ("float32", "float64", "bfloat16", "float16")
VARIANTS = {
    "gelu.form": ("exact", "tanh", "sigmoid"),
    "hard-sigmoid.form": ("sixth", "fifth", "half"),
    "activation.subnormals": "flushed",  # XLA on CPU runs with flush-to-zero and denormals-are-zero set
    **_weights_reference.VARIANTS,
}
DEFAULTS = {"gelu.default-form": "exact", "hard-sigmoid.default-form": "sixth"}
KNOWN_FAILURES = {}

asarray, to_numpy, context, vjp = _jax.asarray, _jax.to_numpy, _jax.context, _jax.vjp

identity = activations.identity
relu = activations.relu
leaky_relu = activations.leaky_relu
elu = activations.elu
selu = activations.selu
gelu = activations.gelu
sigmoid = activations.sigmoid
tanh = activations.tanh
softplus = activations.softplus
silu = activations.silu
hard_sigmoid = activations.hard_sigmoid
softmax = jax.jit(activations.softmax, static_argnames="axis")  # one program instead of one for each step
log_softmax = jax.jit(activations.log_softmax, static_argnames="axis")

dense = layers.dense
mlp = layers.mlp
neuron = neurons.neuron
perceptron = neurons.perceptron
forward = forward_propagation.forward
