"""``nnx.Linear`` and ``nnx.Sequential``."""

from __future__ import annotations

import functools

from flax import nnx

from nnspec_conformance.adapters.flax_optax import network

KNOWN_FAILURES = {
    "duty.broadcasting[dense]": (
        "nnx.Linear with 5 units, given a bias of one entry, adds it to every unit, right is to refuse: the bias is "
        "reshaped and broadcast; searched 2026-11-27, not found; "
        "https://github.com/google/flax/blob/main/flax/nnx/nn/linear.py"
    ),
}


def dense(x, kernel, bias):
    return nnx.merge(_linear(*kernel.shape), nnx.State({"kernel": nnx.Param(kernel), "bias": nnx.Param(bias)}))(x)


@functools.cache
def _linear(features, units):
    """The structure of a stock layer, without drawing its first weights."""
    return nnx.split(nnx.eval_shape(lambda: nnx.Linear(features, units, rngs=nnx.Rngs(0))))[0]


def mlp(x, weights, *, activation):
    depth = sum(name.startswith("kernel_") for name in weights)
    state = {2 * i: layer for i, layer in network.layers(weights).items()}  # an activation after each
    return nnx.merge(_sequential(depth, network.activation(activation)), nnx.State({"layers": state}))(x)


@functools.cache
def _sequential(depth, phi):
    """The structure of stock layers; each takes its shape from the weights."""

    def make():
        return nnx.Sequential(*[p for _ in range(depth) for p in (nnx.Linear(1, 1, rngs=nnx.Rngs(0)), phi)][:-1])

    return nnx.split(nnx.eval_shape(make))[0]
