"""A neuron as ``Dense`` with one unit."""

from __future__ import annotations

from nnspec_conformance.adapters.keras import network

KNOWN_FAILURES = {"neuron.shape": network.ONE_AXIS, "duty.choices[neuron]": network.NAMES}


def neuron(x, weights, bias, *, activation):
    return network.sequential((1,), "identity", activation, x)([weights[:, None], bias[None]], x)[..., 0]
