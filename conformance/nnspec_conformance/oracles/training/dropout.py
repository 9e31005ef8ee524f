"""Dropout in NumPy, written from the clauses: a mask of zeros and ones, and the scale of what is kept.

Which entries are dropped is the seed's alone. ``moments`` goes through all masks, which no framework can be asked for.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np


def drawn(seed, shape, rate):
    """Tell for each entry whether it is kept; calls of one layer have seeds ``[seed, 0]``, ``[seed, 1]``."""
    return np.random.default_rng(seed).random(shape) >= rate


def larger(x, rate, scale_by="product"):
    """The array over 1 - p, with the roundings of a reading; all agree in exact arithmetic."""
    if scale_by == "exact":
        return (x.astype(np.float64) / (1 - rate)).astype(x.dtype)
    number = np.result_type(x.dtype, np.float32).type
    if scale_by.startswith("rounded"):
        left = number(1) - number(np.float32(rate))
        return x / left if scale_by == "rounded-quotient" else x * (1 / left)
    return x / number(1 - rate) if scale_by == "quotient" else x * number(1 / (1 - rate))


def masked(x, kept, rate, dropped="zero", scale_by="product"):
    """What is kept, made larger; the rest selected away, or multiplied by 0."""
    if rate == 1:
        return np.zeros_like(x)
    with np.errstate(over="ignore", invalid="ignore"):
        y = larger(x, rate, scale_by)
        return y * kept if dropped == "nan" else np.where(kept, y, np.zeros_like(y))


def _checked(rate, rate_one):
    if not 0 <= rate <= 1:
        raise ValueError(f"rate is {rate}, expected 0 to 1")
    if rate == 1 and rate_one == "refused":
        raise ValueError("rate is 1, which drops everything")


def dropout(x, *, seed, rate, train=True, dropped="zero", rate_one="zeros", scale_by="product"):
    _checked(rate, rate_one)
    return masked(x, drawn(seed, x.shape, rate), rate, dropped, scale_by) if train else x


def dropout_vjp(x, g, **given):
    return (dropout(g, **given),)


def feature_dropout(x, *, seed, rate, train=True, dropped="zero", rate_one="zeros", scale_by="product"):
    _checked(rate, rate_one)
    shared = (x.shape[0], *[1] * (x.ndim - 2), x.shape[-1])
    return masked(x, drawn(seed, shared, rate), rate, dropped, scale_by) if train else x


def feature_dropout_vjp(x, g, **given):
    return (feature_dropout(g, **given),)


def repeated_dropout(x, *, seed, rate, rate_one="zeros"):
    _checked(rate, rate_one)
    first, second = (masked(x, drawn([seed, call], x.shape, rate), rate) for call in range(2))
    return first, second


def repeated_dropout_vjp(x, g, *, seed, rate, rate_one="zeros"):
    _checked(rate, rate_one)
    return (sum(masked(c, drawn([seed, call], x.shape, rate), rate) for call, c in enumerate(g)),)


def moments(function: Callable, x: np.ndarray, *, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of a function of a few entries with dropout, over all masks with their probabilities."""
    masks = np.array(list(itertools.product([False, True], repeat=x.size)))
    kept = masks.sum(1)
    weights = (1 - rate) ** kept * rate ** (x.size - kept)
    y = np.array([function(masked(x, mask.reshape(x.shape), rate)) for mask in masks])
    mean = np.tensordot(weights, y, 1)
    return mean, np.tensordot(weights, (y - mean) ** 2, 1)
