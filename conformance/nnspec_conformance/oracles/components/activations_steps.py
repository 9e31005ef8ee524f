"""The elementwise activation functions and their slopes in half precision where every step is rounded.

``r`` rounds an array to the narrow dtype: operands, constants and the result of each elementary function and of each
product and sum. In the tail digits cancel that more digits would keep.
"""

from __future__ import annotations

import functools

import numpy as np

from nnspec_conformance.special import erf


def half_steps(function):
    """The function with one more keyword, the dtype to which every step is rounded; none where it is left out."""
    name = function.__name__

    @functools.wraps(function)
    def call(x, *, narrow=None, **attributes):
        if narrow is None:
            return function(x, **attributes)
        return STEPS[name](x, lambda y: np.asarray(y).astype(narrow).astype(x.dtype), **attributes)

    return call


def _density(x, r):
    return r(r(np.exp(r(-r(x * x) / 2))) * r(1 / np.sqrt(2 * np.pi)))


def _cdf(x, r):
    return r(r(1 + r(erf(r(x * r(np.sqrt(0.5)))))) / 2)


def _sigmoid(x, r):
    return r(1 / r(1 + r(np.exp(-x))))


def _exponential(x, r, scale):
    return r(r(scale) * r(np.expm1(np.minimum(x, 0))))


def _exponential_slope(x, r, scale):
    return r(r(scale) * r(np.exp(np.minimum(x, 0))))


def _selu(x, r, scale, alpha):
    return np.where(x > 0, r(r(scale) * x), _exponential(x, r, scale * alpha))


def _selu_slope(x, r, scale, alpha):
    return np.where(x > 0, r(scale), _exponential_slope(x, r, scale * alpha))


def _inner(x, r, form):
    """The gate's argument of an approximate form, and its slope."""
    if form == "sigmoid":
        return r(r(1.702) * x), r(1.702)
    c, cubic, square = r(2 * np.sqrt(2 / np.pi)), r(0.044715), r(x * x)
    return r(c * r(x + r(cubic * r(square * x)))), r(c * r(1 + r(r(3 * cubic) * square)))


def _gelu(x, r, *, form="exact"):
    return r(x * (_cdf(x, r) if form == "exact" else _sigmoid(_inner(x, r, form)[0], r)))


def _gelu_slope(x, r, *, form="exact"):
    if form == "exact":
        return r(_cdf(x, r) + r(x * _density(x, r)))
    z, slope = _inner(x, r, form)
    s = _sigmoid(z, r)
    return r(s + r(r(x * slope) * r(s * r(1 - s))))


def _silu_slope(x, r):
    s = _sigmoid(x, r)
    return r(s * r(1 + r(x * r(1 - s))))


def _of_result(y, r):
    return r(y * r(1 - y))


def _softplus(x, r):
    return r(np.maximum(x, 0) + r(np.log1p(r(np.exp(-np.abs(x))))))


def _hard_sigmoid(x, r, *, form="sixth"):
    slope = {"sixth": 1 / 6, "fifth": 0.2, "half": 0.5}[form]
    return np.clip(r(r(r(slope) * x) + 0.5), 0, 1)


SELU = {"scale": 1.0507009873554804934193349852946, "alpha": 1.6732632423543772848170429916717}
STEPS = {
    "leaky_relu": lambda x, r, negative_slope=0.01: np.where(x > 0, x, r(r(negative_slope) * x)),
    "elu": lambda x, r, alpha=1.0: np.where(x > 0, x, _exponential(x, r, alpha)),
    "elu_derivative": lambda x, r, alpha=1.0: np.where(x > 0, 1, _exponential_slope(x, r, alpha)),
    "selu": functools.partial(_selu, **SELU),
    "selu_derivative": functools.partial(_selu_slope, **SELU),
    "gelu": _gelu,
    "gelu_derivative": _gelu_slope,
    "sigmoid": _sigmoid,
    "sigmoid_derivative": lambda x, r: _of_result(_sigmoid(x, r), r),
    "tanh_derivative": lambda x, r: r(1 - r(r(np.tanh(x)) ** 2)),
    "softplus": _softplus,
    "softplus_derivative": _sigmoid,
    "silu": lambda x, r: r(x * _sigmoid(x, r)),
    "silu_derivative": _silu_slope,
    "hard_sigmoid": _hard_sigmoid,
}
