"""A neuron as a stock layer of one unit."""

from __future__ import annotations

from nnspec_conformance.adapters.flax_optax import network
from nnspec_conformance.adapters.flax_optax.components import layers

KNOWN_FAILURES = {"duty.broadcasting[neuron]": network.BROADCAST, "duty.choices[neuron]": network.NAMES}


def neuron(x, weights, bias, *, activation):
    return network.activation(activation)(layers.dense(x, weights[:, None], bias[None])[..., 0])
