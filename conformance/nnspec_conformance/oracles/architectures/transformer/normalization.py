"""Layer norm and RMS norm in NumPy, written from the clauses: every statistic in two passes.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64.
"""

from __future__ import annotations

import numpy as np

from nnspec_conformance.oracles.training._weights import as_it_is, before_weights, of_weights, weighted


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


def layer_norm(x, scale=None, bias=None, *, epsilon=1e-6, rounded=as_it_is):
    return weighted(_normalized(x, epsilon, True, rounded)[0], scale, bias, rounded)


def rms_norm(x, scale=None, *, epsilon=1e-6, rounded=as_it_is):
    return weighted(_normalized(x, epsilon, False, rounded)[0], scale, None, rounded)


def layer_norm_vjp(x, *rest, epsilon=1e-6, rounded=as_it_is):
    return _pulled_back(x, rest, epsilon, True, rounded)


def rms_norm_vjp(x, *rest, epsilon=1e-6, rounded=as_it_is):
    return _pulled_back(x, rest, epsilon, False, rounded)


def _pulled_back(x, rest, epsilon, centred, rounded):
    """The gradients of x, and of scale and bias as far as they were handed over."""
    *weights, g = rest
    normal, s = _normalized(x, epsilon, centred, rounded)
    a = before_weights(g, weights, rounded) if weights and weights[0] is not None else g
    dx = through_rows(a, normal, s, centred=centred, rounded=rounded)
    found = zip(of_weights(g, normal, weights, rounded), weights, strict=True)
    return (dx, *(part for part, weight in found if weight is not None))


def through_rows(a, normal, root, *, centred=True, counted=None, rounded=as_it_is):
    """The gradient of each row from that of the normalized one, through mean and root.

    Args:
        a: the gradient of the normalized row.
        normal: the normalized row.
        root: of its variance and epsilon; an axis of one entry where the row lies.
        centred: whether the mean was taken off.
        counted: which entries of a row the statistics are of; by default all.
        rounded: rounds every operand.
    """
    counts = np.ones(a.shape[-1], bool) if counted is None else counted
    n = max(int(counts.sum()), 1)

    def mean(y):
        return rounded(y.sum(-1, keepdims=True) / n)

    def reached(y):
        return y if counts.all() else np.where(counts, y, np.zeros_like(y))

    dx = rounded(a - reached(mean(a))) if centred else a
    dx = rounded(dx - reached(rounded(normal * mean(rounded(a * normal)))))
    return rounded(dx / root)
