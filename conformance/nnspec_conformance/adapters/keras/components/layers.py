"""``Dense`` and ``Sequential``, called with their weights."""

from __future__ import annotations

from nnspec_conformance.adapters.keras import network

KNOWN_FAILURES = {
    "layers.shape[dense]": network.ONE_AXIS,
    "layers.shape[mlp]": network.ONE_AXIS,
    "duty.choices[mlp]": network.NAMES,
}


def dense(x, kernel, bias):
    return network.sequential((kernel.shape[1],), "identity", "identity", x)([kernel, bias], x)


def mlp(x, weights, *, activation):
    units, arrays = network.listed(weights)
    return network.sequential(units, activation, "identity", x)(arrays, x)
