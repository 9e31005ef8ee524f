"""Resizing in NumPy, written from the clauses: a matrix of weights for each axis; pixel shuffle as a transposition.

Every function computes in the dtype that it is handed. All of them are linear.
"""

from __future__ import annotations

import numpy as np


def taken(n, m, takes):
    """The entry of ``n`` that each of ``m`` places takes, in integers."""
    i = np.arange(m)
    return i * n // m if takes == "corner" else (2 * i + 1) * n // (2 * m)


def resize_nearest(x, *, size, takes="middle", no_size="refused"):
    rows, columns = checked(x, size, no_size)
    height, width = x.shape[1:3]
    return x[:, taken(height, rows, takes)][:, :, taken(width, columns, takes)]


def resize_nearest_vjp(x, cotangents, *, size, takes="middle", no_size="refused"):
    rows, columns = (taken(n, m, takes) for n, m in zip(x.shape[1:3], size, strict=True))
    found = np.zeros_like(x)
    for i, j in np.ndindex(*size):
        found[:, rows[i], columns[j]] += cotangents[:, i, j]
    return (found,)


def places(n, m, coordinates="half-pixel"):
    """Where each of ``m`` places lies among ``n`` entries, and how many entries lie between two of them."""
    i = np.arange(m)
    if coordinates == "corners":
        step = (n - 1) / (m - 1) if m > 1 else 0.0
        return i * step, step
    if coordinates == "origin":
        return i * n / m, n / m
    return (2 * i + 1) * n / (2 * m) - 0.5, n / m


def linear_weights(n, m, *, antialias=False, coordinates="half-pixel"):
    """A row of weights for each place of the result."""
    p, step = places(n, m, coordinates)
    wide = max(1.0, step) if antialias else 1.0
    p = np.clip(p, 0, n - 1) if wide == 1 else p
    weights = np.maximum(1 - np.abs(p[:, None] - np.arange(n)) / wide, 0)
    return weights / weights.sum(1, keepdims=True)


def cubic_kernel(d, a):
    """The cubic of Keys at distances that are not negative."""
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


def cubic_weights(n, m, *, kernel="half", border="left-out"):
    """A row of weights for each place of the result."""
    p, _ = places(n, m)
    j = np.arange(-3, n + 3)
    each = cubic_kernel(np.abs(p[:, None] - j), {"half": -0.5, "three-quarters": -0.75}[kernel])
    if border == "repeated":
        weights = np.zeros((m, n))
        np.add.at(weights.T, np.clip(j, 0, n - 1), each.T)
        return weights
    weights = each[:, 3 : n + 3]
    return weights / weights.sum(1, keepdims=True)


def along(x, axis, weights, reach):
    """One axis, resized: in a window weights of 0 read nothing, in a line all entries are multiplied by theirs."""
    weights = weights.astype(x.dtype)
    found = np.empty((*x.shape[:axis], len(weights), *x.shape[axis + 1 :]), x.dtype)
    for i, row in enumerate(weights):
        read = np.flatnonzero(row) if reach == "window" else np.arange(len(row))
        with np.errstate(invalid="ignore"):
            terms = np.moveaxis(x, axis, -1)[..., read] * row[read]
            np.moveaxis(found, axis, 0)[i] = terms.sum(-1, dtype=x.dtype)
    return found


def resized(x, size, weights, reach, **given):
    """Both axes, one after the other; an axis that keeps its length is not touched."""
    if min(size) == 0:
        return np.zeros((len(x), *size, x.shape[-1]), x.dtype)
    for axis, m in zip((1, 2), size, strict=True):
        if m != x.shape[axis]:
            x = along(x, axis, weights(x.shape[axis], m, **given), reach)
    return x


def resize_linear(x, *, size, antialias=False, coordinates="half-pixel", reach="window", no_size="refused"):
    return resized(x, checked(x, size, no_size), linear_weights, reach, antialias=antialias, coordinates=coordinates)


def resize_cubic(x, *, size, kernel="half", border="left-out", reach="window", no_size="refused"):
    return resized(x, checked(x, size, no_size), cubic_weights, reach, kernel=kernel, border=border)


def pulled(x, cotangents, size, weights, reach, **given):
    """The transposed weights, one axis after the other."""
    for axis, m in zip((1, 2), size, strict=True):
        if m != x.shape[axis]:
            cotangents = along(cotangents, axis, weights(x.shape[axis], m, **given).T, reach)
    return (cotangents,)


def resize_linear_vjp(
    x, cotangents, *, size, antialias=False, coordinates="half-pixel", reach="window", no_size="refused"
):
    return pulled(x, cotangents, size, linear_weights, reach, antialias=antialias, coordinates=coordinates)


def resize_cubic_vjp(x, cotangents, *, size, kernel="half", border="left-out", reach="window", no_size="refused"):
    return pulled(x, cotangents, size, cubic_weights, reach, kernel=kernel, border=border)


def checked(x, size, no_size="refused"):
    """The new height and width.

    Raises:
        ValueError: they are not two lengths, of at least 1 where none is refused, or there is nothing to read.
    """
    least = 0 if no_size == "empty" else 1
    if x.ndim != 4 or len(size) != 2 or min(size) < least or min(x.shape[1:3]) < 1:
        raise ValueError(f"x {x.shape} cannot be resized to {tuple(size)}")
    return tuple(size)


def pixel_shuffle(x, *, factor, order="maps-first"):
    batch, height, width, channels = x.shape
    if factor < 1 or channels % factor**2:
        raise ValueError(f"{channels} channels are no multiple of {factor}²")
    maps = channels // factor**2
    if order == "maps-first":
        parts = x.reshape(batch, height, width, maps, factor, factor).transpose(0, 1, 4, 2, 5, 3)
    else:
        parts = x.reshape(batch, height, width, factor, factor, maps).transpose(0, 1, 3, 2, 4, 5)
    return parts.reshape(batch, height * factor, width * factor, maps)


def pixel_unshuffle(x, *, factor, order="maps-first"):
    batch, height, width, maps = x.shape
    if factor < 1 or height % factor or width % factor:
        raise ValueError(f"height {height} and width {width} are no multiples of {factor}")
    parts = x.reshape(batch, height // factor, factor, width // factor, factor, maps)
    axes = (0, 1, 3, 5, 2, 4) if order == "maps-first" else (0, 1, 3, 2, 4, 5)
    return parts.transpose(axes).reshape(batch, height // factor, width // factor, -1)


def pixel_shuffle_vjp(x, cotangents, **given):
    return (pixel_unshuffle(cotangents, **given),)


def pixel_unshuffle_vjp(x, cotangents, **given):
    return (pixel_shuffle(cotangents, **given),)
