"""What small networks of convolutions are made of in NumPy: a convolution that keeps the size, and activations.

One matrix product a convolution: a network is asked for hundreds of times in a test. ``convolution_2d`` of this folder
is written tap by tap, and the tests hold the two to one another.
"""

from __future__ import annotations

import numpy as np

from nnspec_conformance.oracles.components import layers


def as_it_is(y):
    return y


def windows_of(x, shape, before):
    """What the window reads at each place, [places, taps of all channels], with zeros around the image."""
    widths = [(start, k - 1 - start) for k, start in zip(shape, before, strict=True)]
    padded = np.pad(x, [(0, 0), *widths, (0, 0)])
    read = np.lib.stride_tricks.sliding_window_view(padded, shape, (1, 2))  # [batch, height, width, channels, *shape]
    return np.moveaxis(read, 3, -1).reshape(-1, shape[0] * shape[1] * x.shape[-1])


def same_convolution(x, kernel, bias, rounded=as_it_is):
    """A convolution that keeps the size; the odd zero of the padding stands at the end."""
    k1, k2, channels, filters = kernel.shape
    if x.ndim != 4 or x.shape[-1] != channels or bias.shape != (filters,):
        raise ValueError(f"x {x.shape}, kernel {kernel.shape} and bias {bias.shape} do not fit each other")
    read = windows_of(x, (k1, k2), ((k1 - 1) // 2, (k2 - 1) // 2))
    if not read.size or at_once(rounded):
        z = read @ kernel.reshape(-1, filters)
    else:
        taps = read.reshape(len(read), k1 * k2, channels).swapaxes(0, 1)
        z = summed(taps @ kernel.reshape(k1 * k2, channels, filters), rounded)
    return (z + bias).reshape(*x.shape[:-1], filters)


def summed(terms, rounded):
    """The sum over the first axis; every partial sum is rounded, as it is where a loop adds hundreds of terms."""
    if rounded is as_it_is:
        return terms.sum(0)
    partial = np.cumsum(terms, 0)
    with np.errstate(invalid="ignore"):  # infinity has no rounding
        off = np.where(np.isfinite(partial), rounded(partial) - partial, 0)
    return terms.sum(0) + off.sum(0)


def at_once(rounded):
    """Whether a layer's sums are rounded at the end alone: programs add half precision up in float32."""
    return rounded is as_it_is or np.abs(rounded(np.ones(8)) - 1).max() > 1e-5


def dense(x, kernel, bias, rounded=as_it_is):
    """A dense layer; every partial sum over the inputs is rounded."""
    if not x.size or at_once(rounded):
        return layers.dense(x, kernel, bias)
    return summed(np.moveaxis(x[..., None] * kernel, -2, 0), rounded) + bias


def same_convolution_vjp(x, kernel, bias, cotangents, rounded=as_it_is):
    """The gradients; that of x is a convolution with the kernel turned around, with the odd zero at the start."""
    k1, k2, channels, filters = kernel.shape
    g = cotangents.reshape(-1, filters)
    read = windows_of(x, (k1, k2), ((k1 - 1) // 2, (k2 - 1) // 2))
    turned = kernel[::-1, ::-1].swapaxes(2, 3).reshape(-1, channels)
    dx = windows_of(cotangents, (k1, k2), (k1 // 2, k2 // 2)) @ turned
    rows = (x.shape[0] * x.shape[1], x.shape[2], -1)  # of all images
    if rounded is as_it_is or not x.size:
        dkernel = read.T @ g
    else:
        dkernel = summed(read.reshape(rows).swapaxes(1, 2) @ g.reshape(rows), rounded)
    return dx.reshape(x.shape), dkernel.reshape(kernel.shape), summed(g, rounded)


def activate(z, activation):
    """The activation, also of complex numbers; a NaN stays one."""
    if activation == "tanh":
        return np.tanh(z)
    if activation == "relu":
        return np.where(z.real <= 0, np.zeros((), z.dtype), z)
    raise ValueError(f"no activation {activation!r}")


def slope(h, activation, rounded):
    """The derivative of the activation, from its result."""
    return rounded(1 - rounded(h * h)) if activation == "tanh" else (h.real > 0).astype(h.dtype)


def strided_convolution(x, kernel, bias, stride, pads):
    """A convolution with a stride; the pairs of zeros stand before and after height and width."""
    k1, k2, channels, filters = kernel.shape
    if x.ndim != 4 or x.shape[-1] != channels or bias.shape != (filters,):
        raise ValueError(f"x {x.shape}, kernel {kernel.shape} and bias {bias.shape} do not fit each other")
    padded = np.pad(x, [(0, 0), *pads, (0, 0)])
    read = np.lib.stride_tricks.sliding_window_view(padded, (k1, k2), (1, 2))[:, ::stride, ::stride]
    rows = np.moveaxis(read, 3, -1).reshape(-1, k1 * k2 * channels)
    return (rows @ kernel.reshape(-1, filters) + bias).reshape(*read.shape[:3], filters)


def strided_convolution_vjp(x, kernel, bias, cotangents, stride, pads, rounded=as_it_is):
    """The gradients; each tap hands every cotangent back to the place that it read."""
    padded = np.pad(x, [(0, 0), *pads, (0, 0)])
    dpadded, dkernel = np.zeros(padded.shape, cotangents.dtype), np.zeros(kernel.shape, cotangents.dtype)
    batch, rows, columns, filters = cotangents.shape
    g = cotangents.reshape(batch * rows, columns, filters)
    for a, c in np.ndindex(kernel.shape[:2]):
        places = (slice(None), slice(a, a + stride * rows, stride), slice(c, c + stride * columns, stride))
        dpadded[places] += cotangents @ kernel[a, c].T
        read = padded[places].reshape(batch * rows, columns, x.shape[-1])
        dkernel[a, c] = summed(read.swapaxes(1, 2) @ g, rounded)
    inside = tuple(slice(before, before + n) for (before, _), n in zip(pads, x.shape[1:3], strict=True))
    return dpadded[:, *inside], dkernel, summed(g.reshape(-1, filters), rounded)
