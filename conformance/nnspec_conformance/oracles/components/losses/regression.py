"""The losses of regression, their gradients and second derivatives, in NumPy, written from the clauses.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64.
"""

from __future__ import annotations

import numpy as np

from nnspec_conformance.oracles.components.losses.cross_entropy import check_shapes, mean_of, times
from nnspec_conformance.oracles.sums import summed
from nnspec_conformance.special import digamma, gammaln

FACTORS = {"whole": 1.0, "half": 0.5}  # of the squared error
KINKS = {"zero": 0.0, "plus": 1.0, "minus": -1.0}  # the slope of the absolute error where the error is 0
SMALLEST = {"none": 0.0, "clamped": 1e-6}  # variance
ADDED = {"none": 0.0, "eight-digits": 1e-8, "seven-digits": 1e-7}  # to a rate, before its logarithm is taken

# ---- what all of them share


def handed_out(
    losses, reduction="none", outputs="each", empty_mean="zero", *, weights=None, weighted_mean="weights",
    zero_weights="zero", narrow=None,
):  # fmt: skip
    """The losses of all elements, or their reduction; a row of outputs is averaged first where that is the reading."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"no reduction {reduction!r}")
    if weights is not None:
        check_shapes(losses, weights)
        losses = (weights * losses).astype(losses.dtype)
    if outputs == "averaged" and losses.ndim > 1:
        losses = losses.mean(-1, dtype=losses.dtype)
    if reduction == "none":
        return losses
    total = summed(losses, narrow=narrow)
    count = losses.size if weights is None or weighted_mean == "count" else summed(weights, narrow=narrow)
    return total if reduction == "sum" else mean_of(total, count, zero_weights if losses.size else empty_mean)


def of_elements(
    cotangents, shape, reduction="none", outputs="each", empty_mean="zero", *, weights=None, weighted_mean="weights",
    zero_weights="zero", narrow=None,
):  # fmt: skip
    """The cotangent of the loss of each element, from that of what was handed out."""
    averaged, times_weights = outputs == "averaged" and len(shape) > 1, 1 if weights is None else weights
    if reduction == "none":
        return (np.broadcast_to(cotangents[..., None] / shape[-1], shape) if averaged else cotangents) * times_weights
    whole = np.prod(shape) if weights is None or weighted_mean == "count" else summed(weights, narrow=narrow)
    count = whole if reduction == "mean" else shape[-1] if averaged else 1
    return np.broadcast_to(cotangents / count if count else 0 * cotangents, shape) * times_weights


def errors(prediction, target):
    check_shapes(prediction, target)
    return prediction - target


def of_the_error(slope, rest, how):
    """The gradients of a loss of the error alone: that of the target is minus that of the prediction."""
    *weights, cotangents = rest
    g = of_elements(cotangents, slope.shape, weights=weights[0] if weights else None, **how) * slope
    return g, -g, *map(np.zeros_like, weights)


# ---- of the error


def squared_error(prediction, target, sample_weights=None, *, factor="whole", **how):
    d = errors(prediction, target)
    return handed_out(FACTORS[factor] * d * d, weights=sample_weights, **how)


def squared_error_vjp(prediction, target, *rest, factor="whole", **how):
    return of_the_error(2 * FACTORS[factor] * (prediction - target), rest, how)


def squared_error_second_derivative(prediction, target, *, factor="whole", **how):
    return np.full_like(prediction, 2 * FACTORS[factor])


def absolute_error(prediction, target, sample_weights=None, *, kink="zero", **how):
    return handed_out(np.abs(errors(prediction, target)), weights=sample_weights, **how)


def absolute_error_vjp(prediction, target, *rest, kink="zero", **how):
    return of_the_error(sign(prediction - target, kink), rest, how)


def absolute_error_second_derivative(prediction, target, **how):
    return np.zeros_like(prediction)


def sign(d, kink):
    return np.where(d == 0, d.dtype.type(KINKS[kink]), np.sign(d))


def huber(prediction, target, sample_weights=None, *, delta=1.0, **how):
    if not delta > 0:
        raise ValueError(f"delta must be positive, got {delta}")
    d = errors(prediction, target)
    c = np.clip(d, -delta, delta)
    return handed_out((c * (d - c / 2)).astype(d.dtype), weights=sample_weights, **how)


def huber_vjp(prediction, target, *rest, delta=1.0, **how):
    return of_the_error(np.clip(prediction - target, -delta, delta), rest, how)


def huber_second_derivative(prediction, target, *, delta=1.0, **how):
    return (np.abs(prediction - target) < delta).astype(prediction.dtype)


def smooth_l1(prediction, target, *, beta=1.0, kink="zero", **how):
    if not beta >= 0:
        raise ValueError(f"beta must not be negative, got {beta}")
    if beta == 0:
        return absolute_error(prediction, target, **how)
    d = errors(prediction, target)
    c = np.clip(d, -beta, beta)
    return handed_out((c * (d - c / 2) / beta).astype(d.dtype), **how)


def smooth_l1_vjp(prediction, target, *rest, beta=1.0, kink="zero", **how):
    d = prediction - target
    return of_the_error(np.clip(d / beta, -1, 1) if beta else sign(d, kink), rest, how)


def smooth_l1_second_derivative(prediction, target, *, beta=1.0, kink="zero", **how):
    return ((np.abs(prediction - target) < beta) / (beta or 1)).astype(prediction.dtype)


# ---- minus the logarithm of a likelihood


def gaussian_nll(prediction, target, variance, *, full=False, small_variance="none", **how):
    d = errors(prediction, target)
    check_shapes(prediction, variance)
    if np.any(variance < 0):
        raise ValueError("a variance is negative")
    v = np.maximum(variance, variance.dtype.type(SMALLEST[small_variance]))
    with np.errstate(divide="ignore", invalid="ignore"):
        losses = (np.log(v) + d * (d / v)) / 2 + (np.log(2 * np.pi) / 2 if full else 0)
    return handed_out(losses.astype(d.dtype), **how)


def gaussian_nll_vjp(prediction, target, variance, cotangents, *, full=False, small_variance="none", **how):
    """Where a variance is clamped, its gradient is the one at the clamped variance, as in the field."""
    v = np.maximum(variance, variance.dtype.type(SMALLEST[small_variance]))
    share = (prediction - target) / v
    g = of_elements(cotangents, share.shape, **how)
    return g * share, -g * share, g * (1 / v - share * share) / 2


def gaussian_nll_second_derivative(prediction, target, variance, *, full=False, small_variance="none", **how):
    return 1 / np.maximum(variance, variance.dtype.type(SMALLEST[small_variance]))


def poisson_nll(prediction, target, *, full=False, log_factorial="exact", **how):
    check_shapes(prediction, target)
    check_counts(target)
    losses = np.exp(prediction) - times(target, prediction)
    return handed_out((losses + constant(target, full, log_factorial)).astype(prediction.dtype), **how)


def poisson_nll_vjp(prediction, target, cotangents, *, full=False, log_factorial="exact", **how):
    g = of_elements(cotangents, prediction.shape, **how)
    return g * (np.exp(prediction) - target), g * (constant_slope(target, full, log_factorial) - prediction)


def poisson_nll_second_derivative(prediction, target, *, full=False, log_factorial="exact", **how):
    return np.exp(prediction)


def poisson_nll_from_rate(prediction, target, *, full=False, log_factorial="exact", epsilon="none", **how):
    check_shapes(prediction, target)
    check_counts(target)
    if np.any(prediction < 0):
        raise ValueError("a rate is negative")
    with np.errstate(divide="ignore"):
        log_rate = np.log(prediction + prediction.dtype.type(ADDED[epsilon]))
    losses = prediction - times(target, log_rate)
    return handed_out((losses + constant(target, full, log_factorial)).astype(prediction.dtype), **how)


def poisson_nll_from_rate_vjp(
    prediction, target, cotangents, *, full=False, log_factorial="exact", epsilon="none", **how
):
    rate, g = prediction + ADDED[epsilon], of_elements(cotangents, prediction.shape, **how)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(target == 0, 0, target / rate)
        return g * (1 - ratio), g * (constant_slope(target, full, log_factorial) - np.log(rate))


def poisson_nll_from_rate_second_derivative(
    prediction, target, *, full=False, log_factorial="exact", epsilon="none", **how
):
    return target / (prediction + ADDED[epsilon]) ** 2


def check_counts(target):
    if np.any(target < 0):
        raise ValueError("a count is negative")


def constant(t, full, log_factorial):
    """The logarithm of t!, by the gamma function or by Stirling's formula, which is used above 1."""
    if not full:
        return np.zeros_like(t)
    if log_factorial == "exact":
        return gammaln(t + 1)
    u = np.where(t > 1, t, t.dtype.type(2))
    return np.where(t > 1, u * np.log(u) - u + np.log(2 * np.pi * u) / 2, 0)


def constant_slope(t, full, log_factorial):
    if not full:
        return np.zeros_like(t)
    if log_factorial == "exact":
        return digamma(t + 1)
    u = np.where(t > 1, t, t.dtype.type(2))
    return np.where(t > 1, np.log(u) + 1 / (2 * u), 0)
