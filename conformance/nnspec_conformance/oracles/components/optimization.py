"""Gradient descent, gradients of several micro-batches, and averaged parameters, in NumPy, written from the clauses."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.oracles.stepping import always, each_leaf

# Worked out by hand on the page: L = a^2 + b^2 / 2 from (4, 4) at the rate 1/4; every number is one of every dtype.
EXAMPLE_PATH = ((4.0, 4.0), (2.0, 3.0), (1.0, 2.25), (0.5, 1.6875))

# The loss with two wells, (x^2 - 1)^2 / 4 + x / 10: roots of its derivative, left well, barrier and right well.
TILT = 0.1
LEFT, BARRIER, RIGHT = np.sort(np.roots([1.0, 0.0, -1.0, TILT]).real)


def two_wells(x):
    return (x * x - 1) ** 2 / 4 + TILT * x


def two_wells_derivative(x):
    return x * x * x - x + TILT


@each_leaf
def gradient_descent(p, g, *, rank, learning_rate, weight_decay=0.0, decayed="all"):
    if not always(weight_decay >= 0):
        raise ValueError(f"weight_decay is {weight_decay}, expected 0 or more")
    if decayed == "matrices" and rank < 2:
        return p - learning_rate * g
    return p - learning_rate * (g + weight_decay * p)


@each_leaf
def gradient_accumulation(p, g, total, *, t, learning_rate, every, combine="mean"):
    if every < 1:
        raise ValueError(f"every is {every}, expected 1 or more")
    total = total + g
    if t % every:
        return p, total
    return p - learning_rate * (total / every if combine == "mean" else total), 0 * total


@each_leaf
def exponential_average(p, x, a, *, t, decay_rate=0.999, start_rule="debiased"):
    """What is returned stands in the place of the parameters; the sum without its correction is the state."""
    if not always((decay_rate >= 0) & (decay_rate < 1)):
        raise ValueError(f"decay_rate is {decay_rate}, expected at least 0 and less than 1")
    before = {"debiased": a, "zero": a, "copied": x if t == 1 else p, "initial": p}[start_rule]
    a = decay_rate * before + (1 - decay_rate) * x
    return a / (1 - decay_rate**t) if start_rule == "debiased" else a, a
