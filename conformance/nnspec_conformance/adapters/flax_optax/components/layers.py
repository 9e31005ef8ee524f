"""``nnx.Linear`` and ``nnx.Sequential``."""

from __future__ import annotations

import functools

from flax import nnx

from nnspec_conformance.adapters.flax_optax import network

VARIANTS = {"dense.one-bias": "broadcast"}
KNOWN_FAILURES = {
    "duty.broadcasting[dense]": (
        "a kernel of one unit is taken beside a bias of several, and a bias of shape [1, out] or [out, 1] for [out], "
        "right is to refuse: nnx.merge compares no shapes, and the bias is reshaped; searched 2026-11-29, "
        "not found; https://github.com/google/flax/blob/v0.12.8/flax/nnx/nn/linear.py"
    ),
    "duty.broadcasting[mlp]": network.BROADCAST,
    "duty.names[mlp]": network.ORDER,
    "duty.choices[mlp]": network.NAMES,
}


def dense(x, kernel, bias):
    return network.linear({"kernel": kernel, "bias": bias})(x)


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
