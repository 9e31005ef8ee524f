"""What mean and variance of many numbers may be off by, and with them what is normalized by the two, and its gradient.

Sums of n terms are off by n u times the sum of the sizes, where the terms are added one after the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nnspec_conformance.inputs import wide
from nnspec_conformance.tolerance import Want, carried, ulp, unit

LONG, TAIL = 33_000, 232  # how many numbers; the first power of two below is 32,768


@dataclass(frozen=True)
class Normalized:
    """Numbers that are normalized, with what they may be off by.

    Attributes:
        y: the normalized numbers.
        moved: what these may be off by.
        root: of the variance and epsilon.
        share: what the root may be off by, as a share of it.
        axes: over which the mean goes.
        nu: how many numbers a mean is of, times the unit roundoff.
        u: the unit roundoff.
    """

    y: np.ndarray
    moved: np.ndarray
    root: np.ndarray
    share: np.ndarray
    axes: tuple[int, ...]
    nu: float
    u: float


def normalized_in_turn(z: np.ndarray, axes: tuple[int, ...], *, epsilon: float, dtype: str) -> Normalized:
    """Mean 0 and variance 1 along the axes. The sums may be those of one pass or of two."""
    u = unit(dtype)
    nu = math.prod(z.shape[axis] for axis in axes) * u
    mean, size, square = (part.mean(axes, keepdims=True) for part in (z, np.abs(z), z * z))
    root = np.sqrt(z.var(axes, keepdims=True) + epsilon)
    y = (z - mean) / root
    of_mean = nu * size
    of_variance = nu * (square + 2 * np.abs(mean) * size) + of_mean**2
    share = of_variance / (2 * root**2)
    rounding = 8 * u * (np.abs(y) + np.abs(mean) / root)  # subtraction, root, quotient
    return Normalized(y, of_mean / root + np.abs(y) * share + rounding, root, share, axes, nu, u)


def summed_in_turn(x: np.ndarray, *, epsilon: float) -> Want:
    """Each column normalized, within what it may be off by."""
    dtype = str(x.dtype)
    found = normalized_in_turn(wide(x), (0,), epsilon=epsilon, dtype=dtype)
    return carried(found.y, found.moved + ulp(found.y, dtype), dtype)


def pulled_back_in_turn(found: Normalized, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gradient of what was normalized, for the cotangent ``a`` of the result, and what it may be off by."""
    mean, u, y = lambda part: part.mean(found.axes, keepdims=True), found.u, found.y
    first, second = mean(a), mean(a * y)
    dx = (a - first - y * second) / found.root
    of_a = 2 * u * np.abs(a)  # the product with the scale
    of_first = found.nu * mean(np.abs(a)) + mean(of_a)
    of_second = found.nu * mean(np.abs(a * y)) + mean(np.abs(a) * found.moved + of_a * np.abs(y))
    off = of_a + of_first + found.moved * np.abs(second) + np.abs(y) * of_second
    off = off + 4 * u * (np.abs(a) + np.abs(first) + np.abs(y * second))
    return dx, off / found.root + np.abs(dx) * (found.share + 4 * u)
