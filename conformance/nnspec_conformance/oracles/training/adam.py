"""Adam and its relatives in NumPy, written from the clauses."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.oracles.stepping import always, as_it_is, each_leaf

# Worked out on the page: beta1 = 1/2, beta2 = 3/4, no epsilon, and gradients whose size never changes, so that the root
# of the second moment is 4 at every step.
EXAMPLE: dict[str, Any] = {"learning_rate": 0.21, "beta1": 0.5, "beta2": 0.75, "epsilon": 0.0}
EXAMPLE_GRADIENTS = (4.0, -4.0, 4.0)
EXAMPLE_PATH = (1.0, 0.79, 0.86, 0.77)

# The example of Reddi, Kale and Kumar: C x at every third step, -x at the two others. Their sum is (C - 2) x, so that x
# should fall.
STEEP = 3.0
REDDI = {"beta1": 0.0, "beta2": 1 / (1 + STEEP**2)}
REDDI_RATE = 0.5  # over the root of the step's number


def reddi_gradients(count):
    return [STEEP if t % 3 == 0 else -1.0 for t in range(count)]


def reddi_rates(count):
    return [REDDI_RATE / float(np.sqrt(t)) for t in range(1, count + 1)]


def step_bound(beta1, beta2):
    """The largest step of Adam, in units of the rate, over all gradients there are."""
    return (1 - beta1) / np.sqrt((1 - beta2) * (1 - beta1**2 / beta2))


def growing(beta1, beta2, zeros, steps):
    """The gradients that come near the bound: none for a long time, then growing by beta2 / beta1 a step."""
    return [0.0] * zeros + [float((beta2 / beta1) ** k) for k in range(steps)]


def check(*decay_rates, **amounts):
    for beta in decay_rates:
        if not always((beta >= 0) & (beta < 1)):
            raise ValueError(f"a decay rate is {beta}, expected at least 0 and less than 1")
    for name, amount in amounts.items():
        if not always(amount >= 0):
            raise ValueError(f"{name} is {amount}, expected 0 or more")


def averaged(average, new, decay_rate):
    return decay_rate * average + (1 - decay_rate) * new


def left(decay_rate, t, rounded):
    """The sum of the weights that an average started at zero has given after ``t`` values; the power is rounded."""
    return 1 - rounded(decay_rate**t)


def ratio(m, v, epsilon, epsilon_position, root_of_weights):
    """Corrected moments to a direction; ``root_of_weights`` is what the root of the second was divided by."""
    m, v = np.float64(m), np.float64(v)  # in half precision epsilon would be 0
    with np.errstate(divide="ignore", invalid="ignore"):
        if epsilon_position == "inside":
            return m / np.sqrt(v + epsilon)
        return m / (np.sqrt(v) + (epsilon / root_of_weights if epsilon_position == "hat" else epsilon))


@each_leaf
def adam(
    p,
    g,
    m,
    v,
    *,
    t,
    rounded=as_it_is,
    learning_rate,
    beta1=0.9,
    beta2=0.999,
    epsilon=1e-8,
    l2=0.0,
    epsilon_position="outside",
):
    check(beta1, beta2, epsilon=epsilon, l2=l2)
    g = g + l2 * p
    m, v = averaged(m, g, beta1), averaged(v, g * g, beta2)
    c1, c2 = left(beta1, t, rounded), left(beta2, t, rounded)
    return p - learning_rate * ratio(m / c1, v / c2, epsilon, epsilon_position, np.sqrt(c2)), m, v


@each_leaf
def amsgrad(
    p, g, m, v, top, *, t, rounded=as_it_is, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8, maximum="after"
):
    check(beta1, beta2, epsilon=epsilon)
    m, v = averaged(m, g, beta1), averaged(v, g * g, beta2)
    c1, c2 = (1.0, 1.0) if maximum == "paper" else (left(beta1, t, rounded), left(beta2, t, rounded))
    top = np.maximum(top, v / c2 if maximum == "after" else v)
    largest, position = top if maximum == "after" else top / c2, "hat" if maximum == "before-hat" else "outside"
    return p - learning_rate * ratio(m / c1, largest, epsilon, position, np.sqrt(c2)), m, v, top


@each_leaf
def adamw(
    p, g, m, v, *, t, rounded=as_it_is, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01,
    epsilon_position="outside", coupling="rate",
):  # fmt: skip
    check(beta1, beta2, epsilon=epsilon, weight_decay=weight_decay)
    m, v = averaged(m, g, beta1), averaged(v, g * g, beta2)
    c1, c2 = left(beta1, t, rounded), left(beta2, t, rounded)
    decay = weight_decay * (learning_rate if coupling == "rate" else 1.0)
    return p - learning_rate * ratio(m / c1, v / c2, epsilon, epsilon_position, np.sqrt(c2)) - decay * p, m, v


def momentum_of(t, beta1, momentum_schedule):
    """The momentum of step ``t`` in NAdam."""
    warming = {"constant": 0.0, "slow": 0.5 * 0.96 ** (t / 250), "fast": 0.5 * 0.96**t}[momentum_schedule]
    return beta1 * (1 - warming)


def product_until(t, beta1, momentum_schedule):
    """The product of the momenta of all steps until ``t``."""
    warming = np.prod([momentum_of(k, 1.0, momentum_schedule) for k in range(1, t + 1)])
    return beta1**t * warming


@each_leaf
def nadam(
    p,
    g,
    m,
    v,
    *,
    t,
    rounded=as_it_is,
    learning_rate,
    beta1=0.9,
    beta2=0.999,
    epsilon=1e-8,
    momentum_schedule="constant",
):
    check(beta1, beta2, epsilon=epsilon)
    m, v = averaged(m, g, beta1), averaged(v, g * g, beta2)
    mu, ahead = (momentum_of(k, beta1, momentum_schedule) for k in (t, t + 1))
    product = product_until(t, beta1, momentum_schedule)
    direction = ahead * m / (1 - rounded(product * ahead)) + (1 - mu) * g / (1 - rounded(product))
    return p - learning_rate * ratio(direction, v / left(beta2, t, rounded), epsilon, "outside", 1.0), m, v


@each_leaf
def adamax(
    p, g, m, u, *, t, rounded=as_it_is, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8, epsilon_position="maximum"
):
    check(beta1, beta2, epsilon=epsilon)
    size = np.abs(np.float64(g))
    m, u = averaged(m, g, beta1), np.maximum(beta2 * np.float64(u), size + epsilon * (epsilon_position == "maximum"))
    with np.errstate(divide="ignore", invalid="ignore"):
        return p - learning_rate * m / (left(beta1, t, rounded) * (u + epsilon * (epsilon_position == "outside"))), m, u
