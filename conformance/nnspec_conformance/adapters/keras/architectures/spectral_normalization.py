"""``keras.layers.SpectralNormalization``, which writes the normalized kernel into the layer that it wraps."""

from __future__ import annotations

import functools

import keras
from keras import ops

VARIANTS = {"spectral-norm.evaluation": "bare"}
SOURCE = (
    "searched 2026-11-29, not found; "
    "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/layers/normalization/spectral_normalization.py"
)
KNOWN_FAILURES = {
    "spectral-norm.scale": (
        "of 2^-30 times a kernel an entry is 1.1e9, right is 0.06: no length below 1e-7 is divided by, which is the "
        f"least that keras.ops.normalize knows; {SOURCE}"
    ),
    "spectral-norm.zero": (
        "a kernel whose product with the vector is 0 becomes NaN, right is the kernel: it is divided by the estimate, "
        f"0, and only a kernel of zeros is let pass; {SOURCE}"
    ),
    "spectral-vector.zero": (
        "where the product of kernel and vector is 0, the vector becomes 0, right is to keep it: from then on every "
        f"kernel is NaN; {SOURCE}"
    ),
}


class Held(keras.layers.Layer):
    """A layer of one kernel, which it hands out."""

    def __init__(self, shape, **given):
        super().__init__(**given)
        self.length = shape

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=self.length, initializer="zeros")

    def call(self, inputs):
        return ops.convert_to_tensor(self.kernel)


def spectral_norm(kernel, u, **given):
    return _stepped(kernel, u, **given)[0]


def spectral_vector(kernel, u, **given):
    return _stepped(kernel, u, **given)[1][0]


def _stepped(kernel, u, *, iterations, training):
    layer = _built(tuple(kernel.shape), iterations, keras.backend.standardize_dtype(kernel.dtype))
    blank = ops.ones((1, 1), dtype=kernel.dtype)
    found = layer.stateless_call([kernel], [u[None]], blank, training=training)
    return found[0], found[1][0]


@functools.cache
def _built(shape, iterations, dtype):
    layer = keras.layers.SpectralNormalization(Held(shape, dtype=dtype), power_iterations=iterations, dtype=dtype)
    layer.layer.build((1, 1))
    layer.build((1, 1))
    return layer
