"""RMSprop, centred RMSprop and Adagrad in NumPy, written from the clauses, and the closed forms of the page."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.oracles.stepping import always, each_leaf

# Worked out on the page, without epsilon. The root of the mean square is 2 at every step.
EXAMPLE: dict[str, Any] = {"learning_rate": 0.25, "decay_rate": 0.75, "epsilon": 0.0}
EXAMPLE_GRADIENTS = (4.0, -2.0, 2.0)
EXAMPLE_PATH = (1.0, 0.5, 0.75, 0.5)
# The roots of the sums are 3, 5 and 13.
ADAGRAD: dict[str, Any] = {"learning_rate": 0.65, "epsilon": 0.0, "initial_accumulator": 0.0}
ADAGRAD_GRADIENTS = (3.0, -4.0, 12.0)
ADAGRAD_PATH = (1.0, 0.35, 0.87, 0.27)
# The roots of the variances are 2 and 3/2.
CENTRED: dict[str, Any] = {"learning_rate": 0.375, "decay_rate": 0.5, "epsilon": 0.0}
CENTRED_GRADIENTS = (4.0, 1.0)
CENTRED_PATH = (1.0, 0.25, 0.0)


def mean_square(g, decay_rate, t, first):
    """The mean square after ``t`` gradients that were all ``g``, if it began as ``first``."""
    return decay_rate**t * first + (1 - decay_rate**t) * g * g


def variance(g, decay_rate, t, first):
    """The mean square less the square of the mean after ``t`` gradients that were all ``g``."""
    return decay_rate**t * (first + (1 - decay_rate**t) * g * g)


def check(epsilon, *shares, **amounts):
    for share in shares:
        if not always((share >= 0) & (share < 1)):
            raise ValueError(f"a decay rate or momentum is {share}, expected at least 0 and less than 1")
    for name, amount in (amounts | {"epsilon": epsilon}).items():
        if not always(amount >= 0):
            raise ValueError(f"{name} is {amount}, expected 0 or more")


def averaged(average, new, decay_rate):
    return decay_rate * average + (1 - decay_rate) * new


def begun(v, t, start_rule):
    """The mean square as it is before step ``t``; the states of a stepper start at zero."""
    return np.ones_like(v) if t == 1 and start_rule == "one" else v


def quotient(g, v, epsilon, epsilon_position):
    g, v = np.float64(g), np.float64(v)  # in half precision epsilon would be 0
    with np.errstate(divide="ignore", invalid="ignore"):
        return g / (np.sqrt(v + epsilon) if epsilon_position == "inside" else np.sqrt(v) + epsilon)


def moved(p, d, b, learning_rate, momentum, rate_position):
    """The parameter and its velocity after a step in the direction ``d``."""
    if rate_position == "inside":
        b = momentum * b + learning_rate * d
        return p - b, b
    b = momentum * b + d
    return p - learning_rate * b, b


@each_leaf
def rmsprop(
    p, g, v, b, *, t, learning_rate, decay_rate=0.9, epsilon=1e-8, momentum=0.0, l2=0.0, weight_decay=0.0,
    epsilon_position="outside", start_rule="zero", rate_position="outside",
):  # fmt: skip
    check(epsilon, decay_rate, momentum, l2=l2, weight_decay=weight_decay)
    g = g + l2 * p
    v = averaged(begun(v, t, start_rule), g * g, decay_rate)
    new, b = moved(p, quotient(g, v, epsilon, epsilon_position), b, learning_rate, momentum, rate_position)
    return new - learning_rate * weight_decay * p, v, b


@each_leaf
def centred_rmsprop(
    p, g, v, m, b, *, t, learning_rate, decay_rate=0.9, epsilon=1e-8, momentum=0.0,
    epsilon_position="outside", start_rule="zero", rate_position="outside",
):  # fmt: skip
    check(epsilon, decay_rate, momentum)
    v, m = averaged(begun(v, t, start_rule), g * g, decay_rate), averaged(m, g, decay_rate)
    spread = np.maximum(v - m * m, 0)  # rounding alone makes it negative
    new, b = moved(p, quotient(g, spread, epsilon, epsilon_position), b, learning_rate, momentum, rate_position)
    return new, v, m, b


@each_leaf
def adagrad(
    p, g, s, *, t, learning_rate, epsilon=1e-10, initial_accumulator=0.0, epsilon_position="outside"
):  # fmt: skip
    check(epsilon, initial_accumulator=initial_accumulator)
    s = (s + initial_accumulator if t == 1 else s) + g * g
    return p - learning_rate * quotient(g, s, epsilon, epsilon_position), s
