"""Stock JAX, Flax and Optax. The functions of ``flax.nnx`` are those of ``jax.nn``, so the version is that of JAX."""

from __future__ import annotations

import functools

import jax
from flax import nnx

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
    "gru-native.packing": "columns-rzn",  # https://github.com/google/flax/issues/5594: b_hn is missing
}
DEFAULTS = {"gelu.default-form": "tanh"}
KNOWN_FAILURES = (
    _jax.KNOWN_FAILURES
    | _weights_flax.KNOWN_FAILURES
    | {
        "dense.bias-length": (
            "nnx.Linear with 5 units, given a bias of one entry, adds it to every unit, right is to refuse: the bias "
            "is reshaped and broadcast; not reported; https://github.com/google/flax/blob/main/flax/nnx/nn/linear.py"
        ),
    }
)

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


def dense(x, kernel, bias):
    return nnx.merge(_linear(*kernel.shape), nnx.State({"kernel": nnx.Param(kernel), "bias": nnx.Param(bias)}))(x)


def neuron(x, weights, bias, *, activation):
    return _activation(activation)(dense(x, weights[:, None], bias[None])[..., 0])


def _activation(name):
    return functools.partial(gelu, form="exact") if name == "gelu" else getattr(jax.nn, name)


@functools.cache
def _linear(features, units):
    """The structure of a stock layer, without drawing its first weights."""
    return nnx.split(nnx.eval_shape(lambda: nnx.Linear(features, units, rngs=nnx.Rngs(0))))[0]


def mlp(x, weights, *, activation):
    phi = _activation(activation)
    shapes = tuple(value.shape for name, value in weights.items() if name.startswith("kernel_"))
    state = {}
    for name, value in weights.items():  # nnx.merge refuses a state that lacks an entry or has one too many
        part, i = name.split("_")
        state.setdefault(2 * int(i), {})[part] = nnx.Param(value)
    return nnx.merge(_sequential(len(shapes), phi), nnx.State({"layers": state}))(x)


@functools.cache
def _sequential(depth, phi):
    def make():
        return nnx.Sequential(*[p for _ in range(depth) for p in (nnx.Linear(1, 1, rngs=nnx.Rngs(0)), phi)][:-1])

    return nnx.split(nnx.eval_shape(make))[0]


@functools.partial(jax.jit, static_argnames="activation")  # one program instead of one for each step
def forward(x, weights, *, activation):
    phi = functools.partial(gelu, form="exact") if activation == "gelu" else getattr(jax.nn, activation)
    depth = sum(name.startswith("kernel_") for name in weights)
    state = {}
    for name, value in weights.items():  # nnx.merge refuses a state that lacks an entry or has one too many
        part, i = name.split("_")
        state.setdefault(int(i), {})[part] = nnx.Param(value)
    values, a = {}, x
    for i, layer in enumerate(nnx.merge(_linear_layers(depth), nnx.State(state))):
        values[f"z_{i}"] = z = layer(a)
        values[f"a_{i}"] = a = phi(z) if i < depth - 1 else z
    return values


@functools.cache
def _linear_layers(depth):
    """The structure of stock layers; each takes its shape from the weights."""
    if not depth:
        raise ValueError("no layers")

    def make():
        return nnx.List([nnx.Linear(1, 1, rngs=nnx.Rngs(0)) for _ in range(depth)])

    return nnx.split(nnx.eval_shape(make))[0]
