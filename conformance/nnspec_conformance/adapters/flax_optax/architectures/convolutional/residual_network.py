"""A module of stock layers, merged with the weights of the table."""

from __future__ import annotations

import functools

import jax
from flax import nnx

from nnspec_conformance.adapters.flax_optax import network

SOURCE = "https://github.com/google/flax/blob/v0.12.8/flax/nnx/graphlib.py"
KNOWN_FAILURES = {
    "duty.refusals[residual_network]": (
        "a projection of 2 x 1 is taken in the place of 1 x 1, right is a refusal: nnx.merge compares no shapes, and "
        f"padding='SAME' fits any window; searched 2026-11-28, not found; {SOURCE}"
    ),
    "duty.broadcasting[residual_network]": (
        "a bias of one entry is added to every unit, and a dense kernel of three axes is taken, right is a refusal: "
        f"nnx.merge compares no shapes; searched 2026-11-28, not found; {SOURCE}"
    ),
    "duty.names[residual_network]": network.ORDER,
}
VARIANTS = {"residual-network.strided-padding": "least"}
ACTIVATIONS = {"tanh": jax.nn.tanh, "relu": jax.nn.relu}


def residual_network(x, weights, *, activation):
    structure = _structure(x.shape[-1], activation)
    return nnx.merge(structure, nnx.State({"layers": network.layers(weights)}))(x)


class ResidualNetwork(nnx.Module):
    """Stock layers; the numbers of maps are those of the weights that it is merged with."""

    def __init__(self, channels, activation, rngs):
        given = {"padding": "SAME", "rngs": rngs}
        convolutions = [nnx.Conv(channels if i == 0 else 1, 1, (3, 3), **given) for i in range(5)]
        convolutions[3] = nnx.Conv(1, 1, (3, 3), strides=2, **given)
        projection = nnx.Conv(1, 1, (1, 1), strides=2, **given)
        self.layers = nnx.List([*convolutions, projection, nnx.Linear(1, 1, rngs=rngs)])
        self.phi = activation

    def __call__(self, x):
        first, one, two, three, four, projection, head = self.layers
        a = self.phi(first(x))
        a = self.phi(a + two(self.phi(one(a))))
        a = self.phi(projection(a) + four(self.phi(three(a))))
        return head(a.mean((1, 2)))


@functools.cache
def _structure(channels, activation):
    return nnx.split(nnx.eval_shape(lambda: ResidualNetwork(channels, ACTIVATIONS[activation], nnx.Rngs(0))))[0]
