"""Maps with a point at which no derivative is agreed on, their gradients in every reading, in NumPy, from the clauses.

No gradient is taken by the complex step: NumPy's abs, maximum and sign lose the imaginary part, and at a tie the step
sees one side only. All are written in closed form.
"""

from __future__ import annotations

import numpy as np

HALF = 0.5


def pairwise_maximum(x, y, *, tie="half"):
    return np.maximum(x, y)


def pairwise_maximum_vjp(x, y, g, *, tie="half"):
    at_tie = {"half": HALF, "first": 1.0, "second": 0.0}[tie]
    share = np.where(x > y, 1.0, np.where(x < y, 0.0, at_tie))
    return g * share, g * (1 - share)


def maximum_reduction(x, *, tie="split"):
    return x.max(-1)


def maximum_reduction_vjp(x, g, *, tie="split"):
    winners = (x == x.max(-1, keepdims=True)).astype(np.float64)
    shares = {"split": winners / winners.sum(-1, keepdims=True), "first": winners * (winners.cumsum(-1) == 1)}
    return (g[..., None] * shares[tie],)


def absolute_value(x, *, at_zero="zero"):
    return np.abs(x)


def absolute_value_derivative(x, *, at_zero="zero"):
    return np.where(x == 0, {"zero": 0.0, "one": 1.0}[at_zero], np.sign(x))


def absolute_value_second_derivative(x, *, at_zero="zero"):
    return np.zeros_like(x)


def euclidean_norm(x, *, at_zero="zero"):
    return np.sqrt((x * x).sum(-1))


def euclidean_norm_vjp(x, g, *, at_zero="zero"):
    norm = euclidean_norm(x)[..., None]
    at_origin = {"zero": 0.0, "nan": np.nan}[at_zero]
    with np.errstate(invalid="ignore"):
        return (g[..., None] * np.where(norm == 0, at_origin, x / norm),)


def square_root(x, *, zero_cotangent="nan"):
    return np.sqrt(x)


def square_root_vjp(x, g, *, zero_cotangent="nan"):
    with np.errstate(divide="ignore", invalid="ignore"):
        product = g * (HALF / np.sqrt(x))
    return (np.where(g == 0, 0.0, product) if zero_cotangent == "zero" else product,)


def square_root_second_derivative(x, *, zero_cotangent="nan"):
    return -1 / (4 * x * np.sqrt(x))


def selection(condition, x, y):
    return np.where(condition, x, y)


def selection_vjp(condition, x, y, g):
    return np.where(condition, g, 0.0), np.where(condition, 0.0, g)


def masked_square_root(x, *, untaken_branch="finite"):
    with np.errstate(invalid="ignore"):
        return np.where(x > 0, np.sqrt(x), 0.0)


def masked_square_root_vjp(x, g, *, untaken_branch="finite"):
    """The gradient with one selection or with two: with one, zero is multiplied by the slope of the root there."""
    with np.errstate(divide="ignore", invalid="ignore"):
        reached = np.where(x > 0, g, 0.0)
        as_written = reached * (HALF / np.sqrt(x))
        return (as_written if untaken_branch == "nan" else np.where(x > 0, as_written, 0.0),)


def masked_square_root_second_derivative(x, *, untaken_branch="finite"):
    return np.where(x > 0, -1 / (4 * np.abs(x) ** 1.5), 0.0)  # asked where x is positive


def clamp(x, *, minimum, maximum, at_bounds="half"):
    return np.clip(x, x.dtype.type(minimum), x.dtype.type(maximum))


def clamp_derivative(x, *, minimum, maximum, at_bounds="half"):
    low, high = x.dtype.type(minimum), x.dtype.type(maximum)
    on = {"zero": 0.0, "half": HALF, "one": 1.0}[at_bounds]
    return np.where((x == low) | (x == high), on, np.where((x > low) & (x < high), 1.0, 0.0))


def clamp_second_derivative(x, *, minimum, maximum, at_bounds="half"):
    return np.zeros_like(x)


def power(x, exponent, *, zero_exponent="zero"):
    return np.power(x, exponent)


def power_vjp(x, exponent, g, *, zero_exponent="zero"):
    with np.errstate(divide="ignore", invalid="ignore"):
        for_x = exponent * np.power(x, exponent - 1)
        for_exponent = np.power(x, exponent) * np.log(x)
    if zero_exponent == "zero":
        for_x = np.where(exponent == 0, 0.0, for_x)
    return g * for_x, g * np.where((x == 0) & (exponent > 0), 0.0, for_exponent)


def product_reduction(x):
    return x.prod(-1)


def product_reduction_vjp(x, g):
    """The product of the others, from the products before and after each, so that nothing is divided."""
    ones = np.ones_like(x[..., :1])
    before = np.concatenate([ones, x[..., :-1]], -1).cumprod(-1)
    after = np.concatenate([ones, x[..., :0:-1]], -1).cumprod(-1)[..., ::-1]
    return (g[..., None] * before * after,)


def embedding_lookup(table, ids):
    return table[ids]


def embedding_lookup_vjp(table, ids, g):
    gradient = np.zeros(table.shape, np.float64)
    np.add.at(gradient, ids, g)
    return (gradient,)


def stopped_gradient(x, y):
    return x * y


def stopped_gradient_vjp(x, y, g):
    return g * y, np.zeros_like(y)


def unused_parameter(x, unused):
    return x * x


def unused_parameter_vjp(x, unused, g):
    return 2 * x * g, np.zeros_like(unused)


def gradient_of_squares(x, *, nonscalar="refused"):
    if x.ndim and nonscalar == "refused":
        raise ValueError(f"gradient of a result of shape {x.shape}: it has to be one number; sum it first")
    return 2 * x
