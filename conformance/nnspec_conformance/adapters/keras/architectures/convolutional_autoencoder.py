"""A functional model of stock layers, ``Conv2D`` and ``Conv2DTranspose``, called with the weights of the table."""

from __future__ import annotations

import functools
from typing import Any

import keras

# Measured: what was asked, what came, what is right, and why.
SIDES = (
    "an image of 6 x 12 comes back as 8 x 12, right is to refuse it: padding='same' rounds up what a stride "
    "halves, and the length before it is not known to the layer that doubles; "
    "https://github.com/keras-team/keras/issues/9883"
)
KNOWN_FAILURES = {
    f"convolutional-autoencoder.sides[{name}]": SIDES
    for name in ("convolutional_autoencoder", "tied_convolutional_autoencoder")
}
NAMES = tuple(
    f"{half}_{part}_{i}"
    for half, i in (("encoder", 0), ("encoder", 1), ("decoder", 1), ("decoder", 0))
    for part in ("kernel", "bias")
)


def convolutional_autoencoder(x, weights, *, activation):
    table = dict(weights)
    return _called(x, [_laid_out(name, table.pop(name)) for name in NAMES], table, activation)


def tied_convolutional_autoencoder(x, weights, *, activation):
    table = dict(weights)
    kernels = {str(i): table.pop(f"kernel_{i}") for i in (0, 1)}  # [window, in, out] is [window, out, in] of a doubling
    arrays = [kernels[name[-1]] if "kernel" in name else table.pop(name) for name in NAMES]
    return _called(x, arrays, table, activation)


def _called(x, arrays, table, activation):
    sizes = arrays[0].shape[-1], arrays[2].shape[-1], arrays[4].shape[-2], arrays[6].shape[-2]
    model = _built(tuple(x.shape), sizes, activation, keras.backend.standardize_dtype(x.dtype))
    return tuple(model.stateless_call([*arrays, *table.values()], [], x)[0])  # it refuses more than it has


def _laid_out(name, w) -> Any:
    """A layer that doubles has its kernel as [window, out, in]."""
    return keras.ops.swapaxes(w, -1, -2) if name.startswith("decoder_kernel") else w


@functools.cache
def _built(shape, sizes, activation, dtype):
    """Built for a shape; it is called with its weights."""
    maps, code, back, channels = sizes
    given: Any = {"strides": 2, "padding": "same", "dtype": dtype, "kernel_initializer": "zeros"}

    def phi(z) -> Any:
        return keras.layers.Activation(activation, dtype=dtype)(z)

    x = keras.Input(batch_shape=shape, dtype=dtype)
    z = keras.layers.Conv2D(code, 4, **given)(phi(keras.layers.Conv2D(maps, 4, **given)(x)))
    h = phi(keras.layers.Conv2DTranspose(back, 4, **given)(z))
    return keras.Model(x, [z, keras.layers.Conv2DTranspose(channels, 4, **given)(h)])
