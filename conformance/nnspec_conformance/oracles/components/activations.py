"""Activation functions, their first and second derivatives, in NumPy and SciPy, written from the clauses.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64.
``<name>_derivative`` and ``<name>_second_derivative`` are those of the elementwise functions.
"""

from __future__ import annotations

import functools
import inspect

import numpy as np

from nnspec_conformance.oracles.components.activations_steps import half_steps
from nnspec_conformance.special import erfc, expit

ELEMENTWISE = (
    "identity", "relu", "leaky_relu", "elu", "selu", "gelu", "sigmoid", "tanh", "softplus", "silu", "hard_sigmoid"
)  # fmt: skip
ACTIVATIONS = (*ELEMENTWISE, "softmax", "log_softmax")
SELU_SCALE = 1.0507009873554804934193349852946  # lambda: Klambauer et al. 2017, section 2
SELU_ALPHA = 1.6732632423543772848170429916717  # alpha: the same section
TANH_CUBIC = 0.044715  # Hendrycks and Gimpel 2016, section 2
SIGMOID_SLOPE = 1.702  # the same section
HARD_SIGMOID_SLOPE = {"sixth": 1 / 6, "fifth": 0.2, "half": 0.5}


def in_float64(function):
    """Compute in float64 and round once: in a narrower dtype steps overflow or underflow though the result does not."""

    @functools.wraps(function)
    def rounded(x, **attributes):
        return function(np.asarray(x, np.float64), **attributes).astype(x.dtype)

    return rounded


def numbers_kept(function):
    """The function with one more keyword: whether numbers given by keyword are kept, or ``float32`` first."""
    defaults = inspect.unwrap(function).__kwdefaults__

    @functools.wraps(function)
    def call(x, *, numbers="kept", **attributes):
        if numbers == "float32":
            given = (defaults | attributes).items()
            attributes |= {name: float(np.float32(value)) for name, value in given if isinstance(value, int | float)}
        return function(x, **attributes)

    return call


def identity(x):
    return x


def identity_derivative(x):
    return np.ones_like(x)


def identity_second_derivative(x):
    return np.zeros_like(x)


def relu(x):
    return np.maximum(x, 0)


def relu_derivative(x):
    return np.where(x > 0, x.dtype.type(1), x.dtype.type(0))


def relu_second_derivative(x):
    return np.zeros_like(x)


@numbers_kept
@half_steps
def leaky_relu(x, *, negative_slope=0.01):
    return np.where(x >= 0, x, x.dtype.type(negative_slope) * x)


@numbers_kept
def leaky_relu_derivative(x, *, negative_slope=0.01, gradient_at_zero="slope"):
    positive = x >= 0 if gradient_at_zero == "one" else x > 0
    return np.where(positive, x.dtype.type(1), x.dtype.type(negative_slope))


@numbers_kept
def leaky_relu_second_derivative(x, *, negative_slope=0.01):
    return np.zeros_like(x)


@numbers_kept
@half_steps
def elu(x, *, alpha=1.0):
    return np.where(x > 0, x, x.dtype.type(alpha) * np.expm1(np.minimum(x, 0)))


@numbers_kept
@half_steps
def elu_derivative(x, *, alpha=1.0, gradient_at_zero="alpha", slopes="kept", gradient_at_nan="nan"):
    positive = _or_nan(x >= 0 if gradient_at_zero == "one" else x > 0, x, gradient_at_nan)
    return np.where(positive, x.dtype.type(1), _exponential_slope(x, x.dtype.type(alpha), slopes))


def _or_nan(positive, x, at_nan):
    """Where the slope is the positive side's, to which ``number`` counts NaN; else NaN comes to the exponential."""
    return positive | np.isnan(x) if at_nan == "number" else positive


def _exponential_slope(x, scale, slopes):
    """The slope of scale (e^x - 1) for x <= 0: scale e^x, or by the value, which is rounded to -scale far out."""
    below = np.minimum(x, 0)
    return scale * np.expm1(below) + scale if slopes == "result" else scale * np.exp(below)


@numbers_kept
def elu_second_derivative(x, *, alpha=1.0, curvature="kept"):
    return np.where(x > 0, x.dtype.type(0), _exponential_slope(x, x.dtype.type(alpha), curvature))


@half_steps
def selu(x):
    scale, alpha = x.dtype.type(SELU_SCALE), x.dtype.type(SELU_SCALE * SELU_ALPHA)
    return np.where(x > 0, scale * x, alpha * np.expm1(np.minimum(x, 0)))


@half_steps
def selu_derivative(x, *, gradient_at_zero="left", slopes="kept", gradient_at_nan="nan"):
    scale, alpha = x.dtype.type(SELU_SCALE), x.dtype.type(SELU_SCALE * SELU_ALPHA)
    positive = _or_nan(x >= 0 if gradient_at_zero == "right" else x > 0, x, gradient_at_nan)
    return np.where(positive, scale, _exponential_slope(x, alpha, slopes))


def selu_second_derivative(x, *, curvature="kept"):
    alpha = x.dtype.type(SELU_SCALE * SELU_ALPHA)
    return np.where(x > 0, x.dtype.type(0), _exponential_slope(x, alpha, curvature))


@half_steps
@in_float64
def sigmoid(x):
    return expit(x)


@half_steps
def sigmoid_derivative(x, *, slopes="kept"):
    y = sigmoid(x)
    return y * (1 - y) if slopes == "result" else _sigmoid_slope(x)


@in_float64
def _sigmoid_slope(x):
    return expit(x) * expit(-x)


def sigmoid_second_derivative(x, *, curvature="kept"):
    y = sigmoid(x)
    return y * (1 - y) * (1 - 2 * y) if curvature == "result" else _sigmoid_curvature(x)


@in_float64
def _sigmoid_curvature(x):
    return expit(x) * expit(-x) * -np.tanh(x / 2)


def tanh(x):
    return np.tanh(x)


@half_steps
def tanh_derivative(x, *, slopes="kept"):
    y = np.tanh(x)
    return 1 - y * y if slopes == "result" else _tanh_slope(x)


@in_float64
def _tanh_slope(x):
    return 4 * expit(2 * x) * expit(-2 * x)  # 1 - tanh(x)^2 without the cancellation


def tanh_second_derivative(x, *, curvature="kept"):
    return -2 * np.tanh(x) * tanh_derivative(x, slopes=curvature)


@half_steps
def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


@half_steps
@in_float64
def softplus_derivative(x):
    return expit(x)


def softplus_second_derivative(x, *, curvature="kept"):
    return sigmoid_derivative(x, slopes=curvature)


def _gated(x, inner):
    """x * expit(inner), with its limit 0 at minus infinity."""
    return np.where(x == -np.inf, x.dtype.type(0), x * expit(inner))


def _gated_derivative(x, inner, slope):
    """The derivative of x * expit(inner), where ``slope`` is that of ``inner``."""
    return expit(inner) + x * slope * sigmoid_derivative(inner)


def _near(x):
    """The input, up to where the gate is 0 or 1: beyond, a cube would overflow, and infinity times 0 is NaN."""
    return np.clip(x, -1e3, 1e3)


def _gated_second_derivative(x, inner, slope, curvature):
    first, second = sigmoid_derivative(inner), sigmoid_second_derivative(inner)
    return 2 * first * slope + x * (second * slope**2 + first * curvature)


@half_steps
@in_float64
def silu(x):
    return _gated(x, x)


@half_steps
@in_float64
def silu_derivative(x):
    x = _near(x)
    return _gated_derivative(x, x, 1)


def silu_second_derivative(x, *, curvature="kept"):
    y = sigmoid(x)
    return y * (1 - y) * (2 + x * (1 - 2 * y)) if curvature == "result" else _silu_curvature(x)


@in_float64
def _silu_curvature(x):
    return _gated_second_derivative(x, x, 1, 0)


def _inner(x, form):
    """The gate's argument of an approximate form, its slope and its curvature."""
    if form == "sigmoid":
        return SIGMOID_SLOPE * x, SIGMOID_SLOPE, 0
    c = 2 * np.sqrt(2 / np.pi)  # (1 + tanh(u)) / 2 = expit(2 u)
    return c * (x + TANH_CUBIC * x**3), c * (1 + 3 * TANH_CUBIC * x**2), 6 * c * TANH_CUBIC * x


@half_steps
@in_float64
def gelu(x, *, form="exact"):
    if form != "exact":
        return _gated(x, _inner(x, form)[0])
    return np.where(x == -np.inf, x.dtype.type(0), x / 2 * erfc(-x / np.sqrt(2)))


def _density(x):
    return np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


@half_steps
@in_float64
def gelu_derivative(x, *, form="exact"):
    x = _near(x)
    if form == "exact":
        return erfc(-x / np.sqrt(2)) / 2 + x * _density(x)
    return _gated_derivative(x, *_inner(x, form)[:2])


@in_float64
def gelu_second_derivative(x, *, form="exact"):
    if form == "exact":
        return _density(x) * (2 - x**2)
    return _gated_second_derivative(x, *_inner(x, form))


@half_steps
def hard_sigmoid(x, *, form="sixth"):
    slope = x.dtype.type(HARD_SIGMOID_SLOPE[form])
    return np.clip(slope * x + x.dtype.type(0.5), 0, 1)


def hard_sigmoid_derivative(x, *, form="sixth", gradient_at_kinks="zero"):
    slope = HARD_SIGMOID_SLOPE[form]
    edge = x.dtype.type({"sixth": 3, "fifth": 2.5, "half": 1}[form])
    at_edge = {"zero": 0.0, "slope": slope, "half-slope": slope / 2}[gradient_at_kinks]
    inside, on = np.abs(x) < edge, np.abs(x) == edge
    return np.where(inside, x.dtype.type(slope), np.where(on, x.dtype.type(at_edge), x.dtype.type(0)))


def hard_sigmoid_second_derivative(x, *, form="sixth"):
    return np.zeros_like(x)


def axis_of(axis, rank):
    """The axis itself; ``by-rank``, for where none is named, is the first of one or three axes, else the second."""
    return int(rank not in (1, 3)) if axis == "by-rank" else axis


def softmax(x, *, axis=-1, narrow=None):
    """The shares; the sum is rounded to ``narrow`` where that is given."""
    axis = axis_of(axis, x.ndim)
    e = np.exp(x - x.max(axis, keepdims=True, initial=-np.inf))
    return e / _narrowed(e.sum(axis, keepdims=True), narrow)


def _narrowed(total, narrow):
    return total if narrow is None else total.astype(narrow).astype(total.dtype)


def softmax_vjp(x, cotangents, *, axis=-1, slopes="kept", narrow=None):
    axis = axis_of(axis, x.ndim)
    y = softmax(x, axis=axis, narrow=narrow)
    if slopes == "result":
        return (y * (cotangents - (cotangents * y).sum(axis, keepdims=True)),)
    return (_less_their_share(y, y * cotangents, axis),)


def log_softmax(x, *, axis=-1, narrow=None):
    axis = axis_of(axis, x.ndim)
    shifted = x - x.max(axis, keepdims=True, initial=-np.inf)
    return shifted - np.log(_narrowed(np.exp(shifted).sum(axis, keepdims=True), narrow))


def log_softmax_vjp(x, cotangents, *, axis=-1, slopes="kept", narrow=None):
    axis = axis_of(axis, x.ndim)
    y = softmax(x, axis=axis, narrow=narrow)
    if slopes == "result":
        return (cotangents - y * cotangents.sum(axis, keepdims=True),)
    return (_less_their_share(y, cotangents, axis),)


def _less_their_share(y, g, axis):
    """g - y sum(g); they sum to 0, and where y is above a half, 1 - y would cancel: minus the sum of the others."""
    top = np.real(y) > 1 / 2
    others = np.where(top, 0 * y, g - y * g.sum(axis, keepdims=True))
    return np.where(top, -others.sum(axis, keepdims=True), others)
