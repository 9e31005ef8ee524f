"""A neuron with its gradients and the perceptron, in NumPy, written from the clauses.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64.
"""

from __future__ import annotations

import numpy as np

from nnspec_conformance.oracles.components import activations
from nnspec_conformance.oracles.components.activations import ELEMENTWISE as ACTIVATIONS
from nnspec_conformance.oracles.sums import summed


def as_it_is(operand):
    return operand


def score(x, weights, bias, narrow=None):
    """The sum of the products; every partial sum is rounded to ``narrow`` where that is given."""
    return np.asarray(summed(x * weights, -1, narrow=narrow) + bias)


def neuron(x, weights, bias, *, activation, rounded=as_it_is, narrow=None):
    """``rounded`` is given every operand: input, weights, bias and the sum."""
    if activation not in ACTIVATIONS:
        raise ValueError(f"no activation {activation!r} of a single number")
    if x.shape[-1:] != weights.shape:
        raise ValueError(f"x has {x.shape[-1:]} features, weights have {weights.shape}")
    return getattr(activations, activation)(rounded(score(rounded(x), rounded(weights), rounded(bias), narrow)))


def neuron_vjp(x, weights, bias, cotangents, *, activation, rounded=as_it_is, narrow=None):
    x, weights, bias, g = map(rounded, (x, weights, bias, cotangents))
    z = rounded(score(x, weights, bias, narrow))
    slope = getattr(activations, f"{activation}_derivative")(z) + (rounded(np.ones_like(z)) - 1)  # right at 1
    g = rounded(np.asarray(g * slope))
    products = (g[..., None] * x).reshape(-1, x.shape[-1])
    return rounded(g[..., None] * weights), summed(products, 0, narrow=narrow), np.asarray(summed(g, narrow=narrow))


def perceptron(params):
    weights, bias = params["weights"], params["bias"]

    def step(example):
        nonlocal weights, bias
        x, y = example["x"], example["label"]
        if len(example) > 2 or np.shape(x) != weights.shape or np.ndim(y):
            raise ValueError(
                f"x of shape {np.shape(x)}, label of shape {np.shape(y)}, weights of shape {weights.shape}"
            )
        if y not in (-1, 1):
            raise ValueError(f"label {y} is neither -1 nor 1")
        if y * score(x, weights, bias) <= 0:
            weights, bias = weights + y * x, np.asarray(bias + y)
        return {"weights": weights, "bias": bias}

    return step
