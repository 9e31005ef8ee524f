"""A functional model of stock layers, ``Conv2D`` and ``Conv2DTranspose``, called with the weights of the table."""

from __future__ import annotations

import functools
from typing import Any

import keras

from nnspec_conformance.adapters import tables

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
    return _called(x, {name: _laid_out(name, w) for name, w in weights.items()}, activation)


def tied_convolutional_autoencoder(x, weights, *, activation):
    table = {}
    for name, w in weights.items():
        tied = name.startswith("kernel_")  # [window, in, out] is [window, out, in] of a doubling
        table |= {f"{half}_{name}": w for half in ("encoder", "decoder")} if tied else {name: w}
    return _called(x, table, activation)


def _called(x, table, activation):
    sizes = [tables.size(table, f"encoder_kernel_{i}", f"encoder_bias_{i}") for i in (0, 1)]
    for i in (1, 0):
        kernel, bias = f"decoder_kernel_{i}", f"decoder_bias_{i}"
        sizes.append(tables.size(table, kernel, axis=-2) if kernel in table else tables.size(table, bias))
    model = _built(tuple(x.shape), tuple(sizes), activation, keras.backend.standardize_dtype(x.dtype))
    arrays = tables.listed(table, NAMES, "keras.Model")
    return tuple(model.stateless_call(arrays, [], x)[0])  # it refuses more than it has, and fewer


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
