"""Stock layers called one after the other, and what each computes."""

from __future__ import annotations

import functools

import jax
from flax import nnx

from nnspec_conformance.adapters.flax_optax import network

KNOWN_FAILURES = {
    "duty.broadcasting[forward]": network.BROADCAST,
    "duty.names[forward]": network.ORDER,
    "duty.choices[forward]": network.NAMES,
    "forward.empty-table": (
        "a list of no layers is taken and gives no values, right is to refuse; nnx.Sequential hands its input on, too; "
        "searched 2026-11-30, not found; https://github.com/google/flax/blob/v0.12.8/flax/nnx/helpers.py"
    ),
}


@functools.partial(jax.jit, static_argnames="activation")  # one program instead of one for each step
def forward(x, weights, *, activation):
    phi = network.activation(activation)
    depth = sum(name.startswith("kernel_") for name in weights)
    values, a = {}, x
    for i, layer in enumerate(nnx.merge(_linear_layers(depth), nnx.State(network.layers(weights)))):
        values[f"z_{i}"] = z = layer(a)
        values[f"a_{i}"] = a = phi(z) if i < depth - 1 else z
    return values


@functools.cache
def _linear_layers(depth):
    """The structure of stock layers; each takes its shape from the weights."""

    def make():
        return nnx.List([nnx.Linear(1, 1, rngs=nnx.Rngs(0)) for _ in range(depth)])

    return nnx.split(nnx.eval_shape(make))[0]
