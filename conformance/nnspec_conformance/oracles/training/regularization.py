"""Penalties, the step towards zero and the bound on norms in NumPy, written from the clauses."""

from __future__ import annotations

import itertools

import numpy as np

from nnspec_conformance.oracles.sums import summed

EPSILON = 1e-7  # what PyTorch and Keras add to the norm


def l1_penalty(x, *, strength, narrow=None):
    """Partial sums are rounded to ``narrow`` where that is given, here and below."""
    check("strength", strength)
    return np.asarray(strength * summed(np.abs(x), narrow=narrow))


def l1_penalty_vjp(x, cotangents, *, strength, narrow=None):
    return (cotangents * strength * np.sign(x),)


def l2_penalty(x, *, strength, factor="half", narrow=None):
    check("strength", strength)
    return np.asarray(share(factor) * strength * summed(x * x, narrow=narrow))


def l2_penalty_vjp(x, cotangents, *, strength, factor="half", narrow=None):
    return (cotangents * 2 * share(factor) * strength * x,)


def elastic_net_penalty(x, *, l1, l2, factor="half", narrow=None):
    check("l1", l1)
    check("l2", l2)
    sizes, squares = summed(np.abs(x), narrow=narrow), summed(x * x, narrow=narrow)
    return np.asarray(l1 * sizes + share(factor) * l2 * squares)


def elastic_net_penalty_vjp(x, cotangents, *, l1, l2, factor="half", narrow=None):
    return (cotangents * (l1 * np.sign(x) + 2 * share(factor) * l2 * x),)


def soft_threshold(x, *, threshold):
    check("threshold", threshold)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(np.abs(x) <= threshold, 0, x - np.sign(x) * threshold))


def soft_threshold_vjp(x, cotangents, *, threshold):
    return (np.where(np.abs(x) <= threshold, 0, cotangents),)


def max_norm(kernel, *, limit, denominator="norm", narrow=None):
    check("limit", limit)
    largest = np.max(np.abs(kernel), axis=0, keepdims=True, initial=0)
    scale = np.where((largest > 0) & np.isfinite(largest), largest, 1)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        n = scale * np.sqrt(summed((kernel / scale) ** 2, 0, narrow=narrow))
        below = n <= limit
        added = 0 if denominator == "norm" else EPSILON
        if denominator == "always":
            return np.asarray(kernel * (np.minimum(n, limit) / (n + added)))
        return np.asarray(np.where(below, kernel, kernel * (limit / np.where(below, 1, n + added))))


def max_norm_vjp(kernel, cotangents, *, limit, denominator="norm", narrow=None):
    """The gradient of the column times a factor f that depends on its norm alone."""
    n = np.sqrt(np.sum(kernel * kernel, axis=0, keepdims=True))
    below, size = n <= limit, np.where(n == 0, 1, n)
    added = 0 if denominator == "norm" else EPSILON
    f, slope = limit / (size + added), -limit / (size + added) ** 2
    if denominator == "always":
        f, slope = np.where(below, n / (size + added), f), np.where(below, added / (size + added) ** 2, slope)
    else:
        f, slope = np.where(below, 1, f), np.where(below, 0, slope)
    along = np.sum(kernel * cotangents, axis=0, keepdims=True)
    return (f * cotangents + kernel * along * slope / size,)


# ---- where the training of a linear model ends: half the mean of (a x - b)^2, plus the penalty


def ridge(a, b, *, strength, factor="half"):
    """The parameters at which the slope of loss and squares vanishes; a row of ``a`` is an example."""
    check("strength", strength)
    added = len(a) * 2 * share(factor) * strength
    return np.linalg.solve(a.T @ a + added * np.eye(a.shape[1]), a.T @ b)


def lasso(a, b, *, strength):
    """The parameters of least loss with the absolute values, found among all patterns of signs."""
    check("strength", strength)
    n, features = a.shape
    for signs in itertools.product((-1, 0, 1), repeat=features):
        kept, x = np.flatnonzero(signs), np.zeros(features)
        sign = np.array(signs, float)[kept]
        x[kept] = np.linalg.solve(a[:, kept].T @ a[:, kept], a[:, kept].T @ b - n * strength * sign)
        others = np.abs(a.T @ (a @ x - b) / n)[np.array(signs) == 0]
        if np.all(np.sign(x[kept]) == sign) and np.all(others <= strength):
            return x
    raise ValueError("no pattern of signs solves the lasso; the columns of a depend on each other")


def share(factor):
    return 0.5 if factor == "half" else 1.0


def check(name, value):
    if not value >= 0:
        raise ValueError(f"{name} is {value}, expected 0 or more")
