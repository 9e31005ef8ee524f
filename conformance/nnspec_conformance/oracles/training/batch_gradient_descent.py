"""The mean gradient over all examples, and the losses on which the rates of gradient descent are attained, in NumPy."""

from __future__ import annotations

import numpy as np

# Worked out by hand on the page: data, labels, weights, and the mean gradient.
EXAMPLE_X = [[1], [2], [-1], [2]]
EXAMPLE_LABELS = [[3], [1], [1], [7]]
EXAMPLE_WEIGHTS = {"kernel": [[1]], "bias": [1]}
EXAMPLE_GRADIENTS = {"kernel": [[-1]], "bias": [-1]}


def unrounded(operand):
    return operand


def batch_gradient(x, labels, weights, *, chunk, rounded=unrounded):
    """The pieces change nothing but the memory; ``rounded`` is given the errors on the way."""
    if chunk < 1:
        raise ValueError(f"chunk is {chunk}, expected 1 or more")
    if not len(x):
        raise ValueError("no examples, expected at least one")
    r = rounded(x @ weights["kernel"] + weights["bias"] - labels)
    return {"kernel": x.T @ r / len(x), "bias": r.sum(0) / len(x)}


# ---- losses


def huber(x, tau, lipschitz):
    """A parabola as far as ``tau``, and a straight line outside; its slope changes by ``lipschitz`` at most."""
    size = np.abs(x)
    return lipschitz * np.where(size <= tau, x * x / 2, tau * size - tau * tau / 2)


def huber_slope(x, tau, lipschitz):
    return lipschitz * np.clip(x, -tau, tau)


def worst_threshold(start, steps):
    """Where the parabola of the worst loss for so many steps ends (Drori and Teboulle 2014)."""
    return np.abs(start) / (2 * steps + 1)


def worst_loss(start, steps, lipschitz):
    """The loss after so many steps with the rate 1/L on that function: the bound itself."""
    return lipschitz * start**2 / (4 * steps + 2)


def contraction(low, high):
    """The factor by which the best rate multiplies the distance from the minimum at each step."""
    return (high - low) / (high + low)
