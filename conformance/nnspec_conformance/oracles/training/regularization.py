"""Penalties, the step towards zero and the bound on norms in NumPy, written from the clauses."""

from __future__ import annotations

import numpy as np

EPSILON = 1e-7  # what PyTorch and Keras add to the norm


def l1_penalty(x, *, strength):
    check("strength", strength)
    return np.asarray(strength * np.sum(np.abs(x)))


def l1_penalty_vjp(x, cotangents, *, strength):
    return (cotangents * strength * np.sign(x),)


def l2_penalty(x, *, strength, factor="half"):
    check("strength", strength)
    return np.asarray(share(factor) * strength * np.sum(x * x))


def l2_penalty_vjp(x, cotangents, *, strength, factor="half"):
    return (cotangents * 2 * share(factor) * strength * x,)


def elastic_net_penalty(x, *, l1, l2, factor="half"):
    check("l1", l1)
    check("l2", l2)
    return np.asarray(l1 * np.sum(np.abs(x)) + share(factor) * l2 * np.sum(x * x))


def elastic_net_penalty_vjp(x, cotangents, *, l1, l2, factor="half"):
    return (cotangents * (l1 * np.sign(x) + 2 * share(factor) * l2 * x),)


def soft_threshold(x, *, threshold):
    check("threshold", threshold)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(np.abs(x) <= threshold, 0, x - np.sign(x) * threshold))


def soft_threshold_vjp(x, cotangents, *, threshold):
    return (np.where(np.abs(x) <= threshold, 0, cotangents),)


def max_norm(kernel, *, limit, denominator="norm"):
    check("limit", limit)
    largest = np.max(np.abs(kernel), axis=0, keepdims=True, initial=0)
    scale = np.where((largest > 0) & np.isfinite(largest), largest, 1)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        n = scale * np.sqrt(np.sum((kernel / scale) ** 2, axis=0, keepdims=True))
        below = n <= limit
        added = 0 if denominator == "norm" else EPSILON
        if denominator == "always":
            return np.asarray(kernel * (np.minimum(n, limit) / (n + added)))
        return np.asarray(np.where(below, kernel, kernel * (limit / np.where(below, 1, n + added))))


def max_norm_vjp(kernel, cotangents, *, limit, denominator="norm"):
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


def share(factor):
    return 0.5 if factor == "half" else 1.0


def check(name, value):
    if not value >= 0:
        raise ValueError(f"{name} is {value}, expected 0 or more")
