"""Dense layers and multilayer perceptrons with their gradients, in NumPy, written from the clauses.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64.
"""

from __future__ import annotations

import numpy as np

from nnspec_conformance.oracles.components import activations
from nnspec_conformance.oracles.components.activations import ACTIVATIONS
from nnspec_conformance.oracles.sums import summed


def dense(x, kernel, bias, *, one_bias="refused", narrow=None):
    """The sums of products; every partial sum is rounded to ``narrow`` where that is given."""
    if bias.shape != kernel.shape[1:] and not (one_bias == "broadcast" and bias.shape == (1,)):
        raise ValueError(f"bias of shape {bias.shape} for a kernel of shape {kernel.shape}")
    return _product(x, kernel, narrow) + bias


def _product(a, b, narrow):
    return a @ b if narrow is None else summed(a[..., None] * b, -2, narrow=narrow)


def dense_vjp(x, kernel, bias, cotangents, *, one_bias="refused", narrow=None):
    """``one_bias`` is that of ``dense``: a bias of one entry has the gradients of all units, added."""
    rows, g = x.reshape(-1, x.shape[-1]), cotangents.reshape(-1, cotangents.shape[-1])
    dx, dkernel = _product(cotangents, kernel.T, narrow), _product(rows.T, g, narrow)
    if one_bias == "broadcast" and bias.shape == (1,):
        g = g.reshape(-1, 1)
    return dx, dkernel, summed(g, 0, narrow=narrow)


def depth(weights):
    """The number of layers of a table whose names are right."""
    layers = sum(name.startswith("kernel_") for name in weights)
    wanted = {f"{part}_{i}" for part in ("kernel", "bias") for i in range(layers)}
    if not layers or set(weights) != wanted:
        raise ValueError(f"names {sorted(set(weights) ^ wanted)} are missing or extra")
    return layers


def activate(z, name):
    if name not in ACTIVATIONS:
        raise ValueError(f"no activation {name!r}")
    return getattr(activations, name)(z)


def activate_vjp(z, g, name, rounded):
    """A slope is right within units at 1, as its own clause says: 1 - tanh(z)^2 has no better, however small it is."""
    if name in ("softmax", "log_softmax"):
        return getattr(activations, f"{name}_vjp")(z, g)[0]
    return g * (getattr(activations, f"{name}_derivative")(z) + (rounded(np.ones_like(z)) - 1))


def activated(z, name, rounded):
    """What is multiplied with a gate is right within units of the factor, as its own clause says."""
    gated = z * (rounded(np.ones_like(z)) - 1) if name in ("gelu", "silu") else 0
    return rounded(activate(z, name)) + gated


def mlp(x, weights, *, activation, rounded=lambda operand: operand, narrow=None):
    """``rounded`` is given every operand: data, weights, sums and what the activation makes of them."""
    return _forward(x, weights, activation, rounded, narrow)[0]


def mlp_vjp(x, weights, cotangents, *, activation, rounded=lambda operand: operand, narrow=None):
    _, inputs, sums = _forward(x, weights, activation, rounded, narrow)
    g, gradients, last = rounded(cotangents), {}, len(sums) - 1
    for i in range(last, -1, -1):
        if i < last:
            g = rounded(activate_vjp(sums[i], g, activation, rounded))
        kernel, bias = weights[f"kernel_{i}"], weights[f"bias_{i}"]
        g, gradients[f"kernel_{i}"], gradients[f"bias_{i}"] = map(
            rounded, dense_vjp(inputs[i], kernel, bias, g, narrow=narrow)
        )
    return g, {name: gradients[name] for name in weights}


def _forward(x, weights, activation, rounded, narrow=None):
    """The result, and the input and the sum of every layer."""
    layers = depth(weights)
    weights = {name: rounded(value) for name, value in weights.items()}
    h, inputs, sums = rounded(x), [], []
    for i in range(layers):
        inputs.append(h)
        sums.append(rounded(dense(h, weights[f"kernel_{i}"], weights[f"bias_{i}"], narrow=narrow)))
        h = activated(sums[i], activation, rounded) if i < layers - 1 else sums[i]
    if activation not in ACTIVATIONS:
        raise ValueError(f"no activation {activation!r}")
    return h, inputs, sums
