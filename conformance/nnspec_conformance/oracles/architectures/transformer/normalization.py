"""Layer norm and RMS norm in NumPy, written from the clauses: every statistic in two passes.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64.
"""

from __future__ import annotations

import numpy as np


def as_it_is(y):
    return y


def _mean(y):
    """The mean of each row, kept as an axis of one entry; a row of no entries has any."""
    return y.sum(-1, keepdims=True) / max(y.shape[-1], 1)


def _normalized(x, epsilon, centred, rounded):
    """Each row over its root, and that root."""
    if epsilon < 0:
        raise ValueError(f"epsilon is {epsilon}, expected zero or a positive number")
    d = rounded(x - rounded(_mean(x))) if centred else x
    with np.errstate(invalid="ignore", divide="ignore"):  # a constant row without epsilon has no answer
        s = rounded(np.sqrt(rounded(rounded(_mean(rounded(d * d))) + epsilon)))
        return rounded(d / s), s


def _scaled(y, scale, bias, rounded):
    y = y if scale is None else rounded(y * scale)
    return y if bias is None else rounded(y + bias)


def layer_norm(x, scale=None, bias=None, *, epsilon=1e-6, rounded=as_it_is):
    return _scaled(_normalized(x, epsilon, True, rounded)[0], scale, bias, rounded)


def rms_norm(x, scale=None, *, epsilon=1e-6, rounded=as_it_is):
    return _scaled(_normalized(x, epsilon, False, rounded)[0], scale, None, rounded)


def layer_norm_vjp(x, *rest, epsilon=1e-6, rounded=as_it_is):
    return _pulled_back(x, rest, epsilon, True, rounded)


def rms_norm_vjp(x, *rest, epsilon=1e-6, rounded=as_it_is):
    return _pulled_back(x, rest, epsilon, False, rounded)


def _pulled_back(x, rest, epsilon, centred, rounded):
    """The gradients of x, and of scale and bias as far as they were handed over."""
    *weights, g = rest
    normal, s = _normalized(x, epsilon, centred, rounded)
    a = rounded(g * weights[0]) if weights else g
    dx = rounded(a - rounded(_mean(a))) if centred else a
    dx = rounded(rounded(dx - rounded(normal * rounded(_mean(rounded(a * normal))))) / s)
    leading = tuple(range(x.ndim - 1))
    return (dx, *(rounded(part.sum(leading)) for part in (rounded(g * normal), g)[: len(weights)]))
