"""Heavy ball and Nesterov's momentum in NumPy, written from the clauses, and their closed forms on quadratic losses."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.oracles.stepping import always, each_leaf

# Worked out by hand on the page: the loss (x^2 + 9 y^2) / 2 at the rate 1/4 with the momentum 1/4.
EXAMPLE_PATH = ((16.0, 16.0), (12.0, -20.0), (8.0, 16.0), (5.0, -11.0), (3.0, 7.0))
EXAMPLE_CURVATURES = (1.0, 9.0)
# The loss x^2 / 2 at the rate 1/4 with Nesterov's momentum 1/2.
NESTEROV_PATH = (16.0, 10.0, 5.25, 2.15625)


def in_range(name, value):
    if not always((value >= 0) & (value < 1)):
        raise ValueError(f"{name} is {value}, expected at least 0 and less than 1")


@each_leaf
def momentum(
    p, g, v, *, t, learning_rate, momentum, dampening=0.0, weight_decay=0.0,
    rate_position="outside", first_gradient="whole", decay_position="gradient",
):  # fmt: skip
    in_range("momentum", momentum)
    in_range("dampening", dampening)
    if not always(weight_decay >= 0):
        raise ValueError(f"weight_decay is {weight_decay}, expected 0 or more")
    decay = weight_decay * p
    if decay_position == "gradient":
        g, decay = g + decay, 0.0
    if t > 1 or first_gradient == "dampened":
        g = (1 - dampening) * g
    if rate_position == "inside":
        v = momentum * v + learning_rate * g
        return p - v - learning_rate * decay, v
    v = momentum * v + g
    return p - learning_rate * (v + decay), v


@each_leaf
def nesterov(p, g, v, *, learning_rate, momentum, rate_position="outside"):
    in_range("momentum", momentum)
    if rate_position == "inside":
        v = momentum * v + learning_rate * g
        return p - (learning_rate * g + momentum * v), v
    v = momentum * v + g
    return p - learning_rate * (g + momentum * v), v


def heavy_ball_constants(smallest, largest):
    """The best rate and momentum for curvatures between two numbers, and the factor by which a step shortens."""
    near, far = np.sqrt(smallest), np.sqrt(largest)
    factor = (far - near) / (far + near)
    return 4 / (far + near) ** 2, factor**2, factor


def heavy_ball_errors(t, factor):
    """What is left of an error of 1 after t steps, at the smallest and at the largest curvature."""
    return (1 + (1 - factor) * t) * factor**t, (1 + (1 + factor) * t) * (-factor) ** t


def nesterov_constants(smallest, largest):
    """The rate and momentum that are best for Nesterov's form on quadratic losses, and the factor."""
    root = np.sqrt(3 * largest / smallest + 1)
    return 4 / (3 * largest + smallest), (root - 2) / (root + 2), 1 - 2 / root


def nesterov_errors(t, factor):
    """What is left of an error of 1 after t steps, at the smallest and at the largest curvature."""
    near = (1 + (1 - factor) * (t + 1)) * factor**t / (2 - factor)
    far = (3 * (3 - factor) * (-factor) ** t - (1 + factor) * (factor / 3) ** t) / (4 * (2 - factor))
    return near, far


def looks_ahead(first, gradient, rates, momentum):
    """The points at which Nesterov's two sequences ask for the gradient, the rate being the same at each step."""
    y, before, found = first, first, []
    for rate in rates:
        x = y - rate * gradient(y)
        y, before = x + momentum * (x - before), x
        found.append(y)
    return found
