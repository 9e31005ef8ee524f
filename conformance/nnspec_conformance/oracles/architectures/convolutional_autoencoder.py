"""A convolutional autoencoder in NumPy, written from the clauses, and its gradients by hand.

``rounded`` is given every operand and every value on the way.
"""

from __future__ import annotations

import numpy as np

from nnspec_conformance.oracles.architectures.convolutional._maps import (
    activate,
    as_it_is,
    slope,
    strided_convolution_vjp,
    summed,
)

STRIDE, PADS, WINDOW = 2, [(1, 1), (1, 1)], (4, 4)
NAMES = tuple(f"{half}_{part}_{i}" for half in ("encoder", "decoder") for i in (0, 1) for part in ("kernel", "bias"))
TIED = tuple(f"{part}_{i}" for i in (0, 1) for part in ("kernel", "encoder_bias", "decoder_bias"))


def halved(x, kernel, bias, rounded=as_it_is):
    """The convolution, tap by tap, as a loop adds it: every partial sum is rounded."""
    padded = np.pad(x, [(0, 0), *PADS, (0, 0)])
    rows, columns = x.shape[1] // STRIDE, x.shape[2] // STRIDE
    y = np.zeros((len(x), rows, columns, kernel.shape[-1]), np.result_type(x, kernel))
    for a, c in np.ndindex(WINDOW):
        y = rounded(y + padded[:, a : a + STRIDE * rows : STRIDE, c : c + STRIDE * columns : STRIDE] @ kernel[a, c])
    return y + bias


def doubled(z, kernel, bias, rounded=as_it_is):
    """The transposed convolution: each tap puts its input on every second row and column."""
    rows, columns = STRIDE * z.shape[1], STRIDE * z.shape[2]
    y = np.zeros((len(z), rows + 2, columns + 2, kernel.shape[-1]), np.result_type(z, kernel))
    for a, c in np.ndindex(WINDOW):
        places = (slice(None), slice(a, a + rows, STRIDE), slice(c, c + columns, STRIDE))
        y[places] = rounded(y[places] + z @ kernel[a, c])
    return y[:, 1:-1, 1:-1] + bias


def doubled_vjp(z, kernel, cotangents, rounded=as_it_is):
    """The gradients of a transposed convolution: it is the adjoint of the convolution with its kernel turned over."""
    turned = kernel.swapaxes(2, 3)
    dz = halved(cotangents, turned, np.zeros(z.shape[-1], z.dtype), rounded)
    dturned = kernel_slopes(cotangents, z, rounded)
    return dz, dturned.swapaxes(2, 3), summed(cotangents.reshape(-1, cotangents.shape[-1]), rounded)


def kernel_slopes(x, cotangents, rounded=as_it_is):
    """The gradient of a kernel, tap by tap; the sum over all places is rounded at each of them, as a loop adds it."""
    padded, (_, rows, columns, filters) = np.pad(x, [(0, 0), *PADS, (0, 0)]), cotangents.shape
    g = cotangents.reshape(-1, filters)
    found = np.zeros((*WINDOW, x.shape[-1], filters), np.result_type(x, g))
    for a, c in np.ndindex(WINDOW):
        read = padded[:, a : a + STRIDE * rows : STRIDE, c : c + STRIDE * columns : STRIDE].reshape(len(g), -1)
        found[a, c] = read.T @ g if rounded is as_it_is else summed(read[:, :, None] * g[:, None], rounded)
    return found


def checked(x, weights):
    """Refuse what does not fit.

    Raises:
        ValueError: an image has a side that is no multiple of four, or the table has other names or windows, or no map.
    """
    if x.ndim != 4 or 0 in x.shape[1:3] or x.shape[1] % 4 or x.shape[2] % 4:
        raise ValueError(f"x has shape {x.shape}, expected images whose sides are multiples of four")
    if set(weights) != set(NAMES):
        raise ValueError(f"names {sorted(weights)} are not {', '.join(NAMES)}")
    for name, w in weights.items():
        if "kernel" in name and (w.ndim != 4 or w.shape[:2] != WINDOW):
            raise ValueError(f"{name} has shape {w.shape}, expected a window of 4 x 4")
    into, back = ([weights[f"{half}_kernel_{i}"].shape[2:] for i in (0, 1)] for half in ("encoder", "decoder"))
    if into != [shape[::-1] for shape in back]:
        raise ValueError(f"kernels from {into} maps are not undone by those from {back}")
    if 0 in (into[0][1], into[1][1]):
        raise ValueError(f"kernels from {into} maps have no code")


def _forward(x, weights, activation, rounded):
    """Code and reconstruction, and what the backward pass needs."""
    checked(x, weights)
    w, x = {name: rounded(weights[name]) for name in NAMES}, rounded(x)

    def layer(f, half, i, a):
        return rounded(f(a, w[f"{half}_kernel_{i}"], w[f"{half}_bias_{i}"], rounded))

    a = rounded(activate(layer(halved, "encoder", 0, x), activation))
    code = layer(halved, "encoder", 1, a)
    h = rounded(activate(layer(doubled, "decoder", 1, code), activation))
    return code, layer(doubled, "decoder", 0, h), w, x, a, h


def convolutional_autoencoder(x, weights, *, activation, rounded=as_it_is):
    return _forward(x, weights, activation, rounded)[:2]


def convolutional_autoencoder_vjp(x, weights, cotangents, *, activation, rounded=as_it_is):
    code, _, w, x, a, h = _forward(x, weights, activation, rounded)
    for_code, g = map(rounded, cotangents)
    found = {}

    def back(i, z, g):
        dz, *parts = map(rounded, doubled_vjp(z, w[f"decoder_kernel_{i}"], g, rounded))
        found[f"decoder_kernel_{i}"], found[f"decoder_bias_{i}"] = parts
        return dz

    def into(i, a, g):
        kernel, bias = w[f"encoder_kernel_{i}"], w[f"encoder_bias_{i}"]
        dx = strided_convolution_vjp(a, kernel, bias, g, STRIDE, PADS)[0]
        found[f"encoder_kernel_{i}"] = rounded(kernel_slopes(a, g, rounded))
        found[f"encoder_bias_{i}"] = rounded(summed(g.reshape(-1, g.shape[-1]), rounded))
        return rounded(dx)

    g = rounded(back(0, h, g) * slope(h, activation, rounded))
    g = rounded(for_code + back(1, code, g))
    g = rounded(into(1, a, g) * slope(a, activation, rounded))
    return into(0, x, g), {name: found[name] for name in weights}


def untied(weights):
    """The table of both halves: a transposed layer reads the kernel of its convolution from outputs to inputs."""
    if set(weights) != set(TIED):
        raise ValueError(f"names {sorted(weights)} are not {', '.join(TIED)}")
    found = {}
    for i in (0, 1):
        kernel = weights[f"kernel_{i}"]
        if kernel.ndim != 4:
            raise ValueError(f"kernel_{i} has shape {kernel.shape}, expected a window of 4 x 4")
        found |= {f"encoder_kernel_{i}": kernel, f"decoder_kernel_{i}": kernel.swapaxes(2, 3)}
        found |= {f"{half}_bias_{i}": weights[f"{half}_bias_{i}"] for half in ("encoder", "decoder")}
    return found


def tied_convolutional_autoencoder(x, weights, *, activation, rounded=as_it_is):
    return convolutional_autoencoder(x, untied(weights), activation=activation, rounded=rounded)


def tied_convolutional_autoencoder_vjp(x, weights, cotangents, *, activation, rounded=as_it_is):
    """The gradients; that of a kernel is the sum over its use in the encoder and its use in the decoder."""
    table = untied(weights)
    dx, found = convolutional_autoencoder_vjp(x, table, cotangents, activation=activation, rounded=rounded)
    for i in (0, 1):
        there, back = found[f"encoder_kernel_{i}"], found[f"decoder_kernel_{i}"].swapaxes(2, 3)
        found[f"kernel_{i}"] = rounded(there + back)
    return dx, {name: found[name] for name in weights}
