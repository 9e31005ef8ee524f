"""Forward propagation with every value on the way, and its gradients, in NumPy, written from the clauses.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64.
"""

from __future__ import annotations

from nnspec_conformance.oracles.components import activations
from nnspec_conformance.oracles.components.activations import ACTIVATIONS
from nnspec_conformance.oracles.components.layers import (
    activate,
    dense,
    dense_vjp,
    depth,
)

# The example of the page, worked through by hand.
EXAMPLE_X = [1, 2]
EXAMPLE_WEIGHTS = {
    "kernel_0": [[1, -1, 0.5], [0.5, 1, -1]],
    "bias_0": [1, -0.5, 0.25],
    "kernel_1": [[1, -1], [2, 0.5], [-1, 3]],
    "bias_1": [-1, 0.5],
}
EXAMPLE_VALUES = {"z_0": [3, 0.5, -1.25], "a_0": [3, 0.5, 0], "z_1": [3, -2.25], "a_1": [3, -2.25]}


def forward(x, weights, *, activation):
    if activation not in ACTIVATIONS:
        raise ValueError(f"no activation {activation!r}")
    values, a, last = {}, x, depth(weights) - 1
    for i in range(last + 1):
        values[f"z_{i}"] = z = dense(a, weights[f"kernel_{i}"], weights[f"bias_{i}"])
        values[f"a_{i}"] = a = activate(z, activation) if i < last else z
    return values


def forward_vjp(x, weights, cotangents, *, activation):
    values, gradients, last = forward(x, weights, activation=activation), {}, depth(weights) - 1
    g = cotangents[f"z_{last}"] + cotangents[f"a_{last}"]
    for i in range(last, -1, -1):
        if i < last:
            g = cotangents[f"z_{i}"] + pulled_back(values[f"z_{i}"], cotangents[f"a_{i}"] + g, activation)
        inputs, kernel, bias = values[f"a_{i - 1}"] if i else x, weights[f"kernel_{i}"], weights[f"bias_{i}"]
        g, gradients[f"kernel_{i}"], gradients[f"bias_{i}"] = dense_vjp(inputs, kernel, bias, g)
    return g, {name: gradients[name] for name in weights}


def pulled_back(z, g, activation):
    """The cotangent of the pre-activation."""
    if activation in ("softmax", "log_softmax"):
        return getattr(activations, f"{activation}_vjp")(z, g)[0]
    return g * getattr(activations, f"{activation}_derivative")(z)
