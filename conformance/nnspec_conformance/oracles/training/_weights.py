"""What batch norm and group norm share behind what is normalized: scale and shift, and the gradients of the two."""

from __future__ import annotations


def as_it_is(y):
    return y


def weighted(y, scale, bias, rounded):
    """Scale, then shift, each feature; what is left out does nothing."""
    y = y if scale is None else rounded(y * scale)
    return y if bias is None else rounded(y + bias)


def of_weights(g, normal, weights, rounded):
    """The gradients of scale and shift, as far as they were handed over: sums over all axes but the last."""
    leading = tuple(range(g.ndim - 1))
    return tuple(rounded(part.sum(leading)) for part in (rounded(g * normal), g)[: len(weights)])


def before_weights(g, weights, rounded):
    """The cotangent of the normalized numbers."""
    return rounded(g * weights[0]) if weights else g
