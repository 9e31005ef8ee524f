r"""Resizing of feature maps: nearest, linear and cubic interpolation, and pixel shuffle.

Where a place reads, and with which weights, follows from the sizes alone. It is computed in float64 before anything is
compiled, and a compiled program holds the weights as constants.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nnspec.checking import checked

__all__ = ["pixel_shuffle", "pixel_unshuffle", "resize_cubic", "resize_linear", "resize_nearest"]

Coordinates = Literal["half-pixel", "corners", "origin"]


@checked
@partial(jax.jit, static_argnames=("size",))
def resize_nearest(
    x: Float[Array, "batch height width channels"], *, size: tuple
) -> Float[Array, "batch rows columns channels"]:
    r"""Take for each place of the new map the entry in which its middle lies.

    With $n$ = ``height`` and $m$ = ``rows``, and likewise for columns:
    $y_i = x_{\lfloor i\,n/m + n/2m \rfloor}$   [resize-nearest.takes][]

    Args:
        x: images or feature maps, any float dtype.
        size: the new height and width, at least 1.

    Returns:
        Entries of the input.

    Raises:
        ValueError: size is not two numbers of at least 1, or the map is empty.

    Source: ONNX, operator Resize, mode nearest with half pixels.
    """
    _check("resize_nearest", x.shape, size)
    rows, columns = ((2 * np.arange(m) + 1) * n // (2 * m) for n, m in zip(x.shape[1:3], size, strict=True))
    return x[:, rows][:, :, columns]


@checked
@partial(jax.jit, static_argnames=("size", "antialias", "coordinates"))
def resize_linear(
    x: Float[Array, "batch height width channels"],
    *,
    size: tuple,
    antialias: bool = False,
    coordinates: Coordinates = "half-pixel",
) -> Float[Array, "batch rows columns channels"]:
    r"""Interpolate linearly along both axes.

    With the places $p_i$, and $s = 1$ or, antialiased, the distance of two places where that is more:
    $y_i = \sum_j w_{ij} x_j, \quad w_{ij} \propto \max(1 - |p_i - j|/s,\; 0)$   [resize-linear.coordinates][]

    Args:
        x: images or feature maps, any float dtype.
        size: the new height and width, at least 1.
        antialias: whether an axis that becomes shorter is averaged over as many entries as a place covers.
        coordinates: ``half-pixel``: middles of entries at (i + 1/2)/m of the whole; ``corners``: the first entry on
            the first and the last on the last; ``origin``: the first on the first, and equal steps of n/m.

    Returns:
        A weighted mean for each place of the new map and each channel.

    Raises:
        ValueError: size is not two numbers of at least 1, or the map is empty.

    Source: ONNX, operator Resize, mode linear.
    """

    def weights(n: int, m: int) -> np.ndarray:
        p, step = _places(n, m, coordinates)
        s = max(1.0, step) if antialias else 1.0
        w = np.maximum(1 - np.abs((p if s > 1 else np.clip(p, 0, n - 1))[:, None] - np.arange(n)) / s, 0)
        return w / w.sum(1, keepdims=True)

    return _interpolated("resize_linear", x, size, weights)


@checked
@partial(jax.jit, static_argnames=("size", "a", "repeat_border"))
def resize_cubic(
    x: Float[Array, "batch height width channels"], *, size: tuple, a: float = -0.5, repeat_border: bool = False
) -> Float[Array, "batch rows columns channels"]:
    r"""Interpolate along both axes with the cubic kernel of Keys, without antialiasing.

    With $d = |p_i - j|$, $k(d) = (a+2) d^3 - (a+3) d^2 + 1$ up to 1 and $a d^3 - 5a d^2 + 8a d - 4a$ up to 2:
    $y_i = \sum_j w_{ij} x_j, \quad w_{ij} \propto k(|p_i - j|)$   [resize-cubic.kernel][]

    Args:
        x: images or feature maps, any float dtype.
        size: the new height and width, at least 1.
        a: the slope of the kernel at distance 1; −1/2, or −3/4 as image programs have it.
        repeat_border: whether the entry at the border stands for those beyond it; else these do not exist, and the
            weights of the others are divided by their sum.

    Returns:
        A weighted sum for each place of the new map and each channel; it may lie outside the range of the input.

    Raises:
        ValueError: size is not two numbers of at least 1, or the map is empty.

    Source: Keys 1981.
    """

    def weights(n: int, m: int) -> np.ndarray:
        j = np.arange(-2, n + 2)
        d = np.abs(_places(n, m, "half-pixel")[0][:, None] - j)
        far = np.where(d < 2, a * (((d - 5) * d + 8) * d - 4), 0)
        w = np.where(d <= 1, ((a + 2) * d - (a + 3)) * d * d + 1, far)
        if repeat_border:
            return w @ (np.clip(j, 0, n - 1)[:, None] == np.arange(n))
        return w[:, 2:-2] / w[:, 2:-2].sum(1, keepdims=True)

    return _interpolated("resize_cubic", x, size, weights)


@checked
@partial(jax.jit, static_argnames=("factor",))
def pixel_shuffle(
    x: Float[Array, "batch height width channels"], *, factor: int
) -> Float[Array, "batch rows columns maps"]:
    r"""Make channels neighbours: a map that is ``factor`` times as high and wide, with fewer channels.

    With $r$ = ``factor``: $y_{rh+u,\, rw+v,\, c} = x_{h,\, w,\, c r^2 + u r + v}$   [pixel-shuffle.order][]

    Args:
        x: feature maps, any float dtype; a multiple of ``factor``² channels.
        factor: at least 1.

    Returns:
        The same numbers in another order.

    Raises:
        ValueError: factor is below 1, or the channels are no multiple of its square.

    Source: Shi et al. 2016, equation 4.
    """
    batch, height, width, channels = x.shape
    if factor < 1 or channels % factor**2:
        raise ValueError(f"pixel_shuffle: x has {channels} channels, which is no multiple of factor² = {factor**2}")
    parts = x.reshape(batch, height, width, channels // factor**2, factor, factor)
    return parts.transpose(0, 1, 4, 2, 5, 3).reshape(batch, height * factor, width * factor, -1)


@checked
@partial(jax.jit, static_argnames=("factor",))
def pixel_unshuffle(
    x: Float[Array, "batch height width channels"], *, factor: int
) -> Float[Array, "batch rows columns parts"]:
    r"""Make neighbours channels, the inverse of [pixel_shuffle][nnspec.architectures.resizing.pixel_shuffle].

    With $r$ = ``factor``: $y_{h,\, w,\, c r^2 + u r + v} = x_{rh+u,\, rw+v,\, c}$   [pixel-shuffle.order][]

    Args:
        x: feature maps, any float dtype; height and width are multiples of ``factor``.
        factor: at least 1.

    Returns:
        The same numbers in another order.

    Raises:
        ValueError: factor is below 1, or height or width is no multiple of it.

    Source: the inverse of equation 4 of Shi et al. 2016.
    """
    batch, height, width, channels = x.shape
    if factor < 1 or height % factor or width % factor:
        raise ValueError(f"pixel_unshuffle: height {height} and width {width} are no multiples of factor = {factor}")
    parts = x.reshape(batch, height // factor, factor, width // factor, factor, channels)
    return parts.transpose(0, 1, 3, 5, 2, 4).reshape(batch, height // factor, width // factor, -1)


def _places(n: int, m: int, coordinates: Coordinates) -> tuple[np.ndarray, float]:
    """Where each of ``m`` places lies among ``n`` entries, and how far two of them are apart."""
    i = np.arange(m)
    if coordinates == "corners":
        step = (n - 1) / (m - 1) if m > 1 else 0.0
        return i * step, step
    return (i + 0.5) * n / m - 0.5 if coordinates == "half-pixel" else i * n / m, n / m


def _check(name: str, shape: tuple[int, ...], size: tuple) -> None:
    if len(size) != 2 or not all(isinstance(m, int) and m >= 1 for m in size):
        raise ValueError(f"{name}: size must be two integers of at least 1, height and width, got {size}")
    if not shape[1] * shape[2]:
        raise ValueError(f"{name}: x has shape {shape}, without an entry to read")


def _interpolated(name: str, x: jax.Array, size: tuple, weights: Callable[[int, int], np.ndarray]) -> jax.Array:
    """Both axes, one after the other; only entries whose weights are not 0 are read, so that NaN goes no further."""
    _check(name, x.shape, size)
    y = x.astype(jnp.promote_types(x.dtype, jnp.float32))  # half precision is rounded once, at the end
    for axis, m in zip((1, 2), size, strict=True):
        if m == x.shape[axis]:
            continue
        w = weights(x.shape[axis], m)
        read = np.argsort(w == 0, 1, kind="stable")[:, : (w != 0).sum(1).max()]  # those that count come first
        factors = np.take_along_axis(w, read, 1)
        read = np.where(factors == 0, read[:, :1], read)
        shape = (-1, 1, 1) if axis == 1 else (-1, 1)
        taken = (jnp.take(y, read[:, t], axis) for t in range(read.shape[1]))
        terms = (
            jnp.where((factors[:, t] != 0).reshape(shape), f * factors[:, t].astype(y.dtype).reshape(shape), 0)
            for t, f in enumerate(taken)
        )
        y = sum(terms, start=jnp.zeros((), y.dtype))
    return y.astype(x.dtype)
