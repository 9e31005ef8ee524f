"""Backpropagation through a multilayer perceptron, its loss and its second derivatives, in NumPy, from the clauses.

Everything is made of functions that are analytic where they are asked, so that a small imaginary part of the weights
comes out as a directional derivative.
"""

from __future__ import annotations

import numpy as np

from nnspec_conformance.derivatives import STEP
from nnspec_conformance.oracles.components.layers import dense, dense_vjp, depth

ACTIVATIONS = {  # the function of z, and its slope from z and a
    "identity": (lambda z: z, lambda z, a: np.ones_like(z)),
    "relu": (lambda z: np.where(z.real > 0, z, 0 * z), lambda z, a: np.where(z.real > 0, 1.0, 0.0).astype(z.dtype)),
    "tanh": (np.tanh, lambda z, a: 1 - a * a),
    "sigmoid": (lambda z: (1 + np.tanh(z / 2)) / 2, lambda z, a: a * (1 - a)),
}
LOSSES = ("softmax_cross_entropy", "half_squared_error")

# The example of the page, worked through by hand: two inputs, two hidden units with ReLU, one output.
EXAMPLE_X = [1, 2]
EXAMPLE_LABEL = [2]
EXAMPLE_WEIGHTS = {"kernel_0": [[1, -2], [2, 1]], "bias_0": [-1, 3], "kernel_1": [[2], [-1]], "bias_1": [-1]}
EXAMPLE_GRADIENTS = {"kernel_0": [[4, -2], [8, -4]], "bias_0": [4, -2], "kernel_1": [[8], [6]], "bias_1": [2]}


def unrounded(operand):
    return operand


def backpropagation(x, labels, weights, *, activation, loss, rounded=unrounded):
    """The gradients for the weights; ``rounded`` is given every operand and every value on the way."""
    return gradients(x, labels, weights, activation=activation, loss=loss, rounded=rounded)[2]


def backpropagation_vjp(x, labels, weights, cotangents, *, activation, loss, rounded=unrounded):
    """Second derivatives: how the gradients for data, labels and weights change along the cotangents, as weights."""
    steps = {name: STEP * np.float64(g) for name, g in cotangents.items()}  # in float32 they lose their digits
    moved = {name: np.asarray(w, np.complex128) + 1j * steps[name] for name, w in weights.items()}
    found = gradients(x, labels, moved, activation=activation, loss=loss, rounded=rounded)
    dx, dlabels, dweights = found
    return dx.imag / STEP, dlabels.imag / STEP, {name: g.imag / STEP for name, g in dweights.items()}


def gradients(x, labels, weights, *, activation, loss, rounded=unrounded):
    """The gradients of the summed loss for data, labels and weights."""
    phi, slope = _function(activation)
    weights, layers = {name: rounded(w) for name, w in weights.items()}, depth(weights)
    a, inputs, slopes = rounded(x), [], []
    for i in range(layers):
        inputs.append(a)
        z = rounded(dense(a, weights[f"kernel_{i}"], weights[f"bias_{i}"]))
        a = rounded(phi(z)) if i < layers - 1 else z
        slopes.append(slope(z, a) if i < layers - 1 else np.ones_like(z))
    g, dlabels = map(rounded, _at_the_output(a, rounded(labels), loss))
    found = {}
    for i in range(layers - 1, -1, -1):
        if i < layers - 1:  # a slope is right within units at 1: 1 - tanh(z)^2 has no better, however small it is
            g = rounded(g * (slopes[i] + (rounded(np.ones_like(slopes[i])) - 1)))
        kernel, bias = weights[f"kernel_{i}"], weights[f"bias_{i}"]
        g, found[f"kernel_{i}"], found[f"bias_{i}"] = map(rounded, dense_vjp(inputs[i], kernel, bias, g))
    return g, dlabels, {name: found[name] for name in weights}


def loss_of(x, labels, weights, *, activation, loss):
    """The loss, summed over the examples."""
    phi, _ = _function(activation)
    a, layers = x, depth(weights)
    for i in range(layers):
        z = dense(a, weights[f"kernel_{i}"], weights[f"bias_{i}"])
        a = phi(z) if i < layers - 1 else z
    if loss == "half_squared_error":
        return ((a - labels) ** 2).sum() / 2
    return -(labels * _log_softmax(a)).sum()


def _at_the_output(a, labels, loss):
    """The gradients of the loss for the output and for the labels."""
    if a.shape != labels.shape:
        raise ValueError(f"labels of shape {labels.shape} for an output of shape {a.shape}")
    if loss == "half_squared_error":
        return a - labels, labels - a
    if loss != "softmax_cross_entropy":
        raise ValueError(f"no loss {loss!r}")
    log_p = _log_softmax(a)
    return np.exp(log_p) - labels, -log_p


def _log_softmax(a):
    shifted = a - a.real.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def _function(activation):
    if activation not in ACTIVATIONS:
        raise ValueError(f"no activation {activation!r}")
    return ACTIVATIONS[activation]
