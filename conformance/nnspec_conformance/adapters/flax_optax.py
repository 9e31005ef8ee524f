"""Stock JAX, Flax and Optax. The functions of ``flax.nnx`` are those of ``jax.nn``, so the version is that of JAX."""

from __future__ import annotations

import jax

from nnspec_conformance.adapters import _jax, _weights_flax
from nnspec_conformance.adapters._weights_flax import (
    convolution_native,
    dense_native,
    gru_native,
    lstm_native,
    parameter_count,
)

NAME = "flax_optax"
VERSION = jax.__version__
DTYPES = ("float32", "float64", "bfloat16", "float16")
VARIANTS = {
    "gelu.form": ("exact", "tanh"),
    "activation.subnormals": "flushed",  # XLA on CPU runs with flush-to-zero and denormals-are-zero set
    "activation.subnormals[tanh]": "kept",  # small input is handed through
    "leaky-relu.gradient-at-zero": "one",
    "lstm-native.packing": ("by-gate", "columns-ifgo"),  # LSTMCell, OptimizedLSTMCell
    "gru-native.packing": "columns-rzn",
}
DEFAULTS = {"gelu.default-form": "tanh"}
KNOWN_FAILURES = _jax.KNOWN_FAILURES | _weights_flax.KNOWN_FAILURES

asarray, to_numpy, context, vjp = _jax.asarray, _jax.to_numpy, _jax.context, _jax.vjp

identity = jax.nn.identity
relu = jax.nn.relu
leaky_relu = jax.nn.leaky_relu
elu = jax.nn.elu
selu = jax.nn.selu
sigmoid = jax.nn.sigmoid
tanh = jax.nn.tanh
softplus = jax.nn.softplus
silu = jax.nn.silu
hard_sigmoid = jax.nn.hard_sigmoid
softmax = jax.nn.softmax
log_softmax = jax.nn.log_softmax


def gelu(x, **given):
    if "form" in given:
        given["approximate"] = {"exact": False, "tanh": True}[given.pop("form")]
    return jax.nn.gelu(x, **given)
