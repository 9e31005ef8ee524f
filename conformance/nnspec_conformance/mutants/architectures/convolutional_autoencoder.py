"""Wrong convolutional autoencoders, each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.adapters.numpy_oracle.rounding import in_dtype
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.architectures import convolutional_autoencoder as oracle
from nnspec_conformance.oracles.architectures.convolutional._maps import activate, same_convolution, strided_convolution

MUTANTS = Mutants()
EXAMPLE, VALUE, SHAPE, GRADIENT, SHIFT, EVEN, SIDES = (
    f"convolutional-autoencoder.{name}" for name in ("example", "value", "shape", "gradient", "shift", "even", "sides")
)


@in_dtype
def rebuilt(
    x, weights, *, activation, halved=oracle.halved, doubled=oracle.doubled, inside=None, at_code=lambda z: z,
    at_end=lambda y: y,
):  # fmt: skip
    """The network with other layers, another function behind the decoder's first, or at the code or the end."""

    def phi(z):
        return activate(z, activation)

    def of(half, i):
        return weights[f"{half}_kernel_{i}"], weights[f"{half}_bias_{i}"]

    oracle.checked(x, weights)
    code = at_code(halved(phi(halved(x, *of("encoder", 0))), *of("encoder", 1)))
    return code, at_end(doubled((inside or phi)(doubled(code, *of("decoder", 1))), *of("decoder", 0)))


@MUTANTS.add("the code is activated, as every other layer is", VALUE)
def activates_the_code(x, weights, *, activation):
    return rebuilt(x, weights, activation=activation, at_code=lambda z: activate(z, activation))


@MUTANTS.add("the reconstruction ends with the activation: nothing beyond its range comes back", VALUE)
def activates_the_reconstruction(x, weights, *, activation):
    return rebuilt(x, weights, activation=activation, at_end=lambda y: activate(y, activation))


@MUTANTS.add("a decoder of two layers without an activation between them, which are one", VALUE)
def forgets_the_activation_of_the_decoder(x, weights, *, activation):
    return rebuilt(x, weights, activation=activation, inside=lambda h: h)


@MUTANTS.add("both zeros stand at the end: windows begin at the first pixel", EXAMPLE, VALUE)
def pads_at_the_end(x, weights, **given):
    def halved(a, kernel, bias):
        return strided_convolution(a, kernel, bias, 2, [(0, 2)] * 2)

    return rebuilt(x, weights, **given, halved=halved)


@MUTANTS.add("the kernels of the decoder are flipped, as a layer does that slides them", VALUE)
def flips_the_kernels_of_the_decoder(x, weights, **given):
    def doubled(z, kernel, bias):
        return oracle.doubled(z, kernel[::-1, ::-1], bias)

    return rebuilt(x, weights, **given, doubled=doubled)


@MUTANTS.add("windows of three taps: where weights are equal, the reconstruction is a checkerboard", EVEN, VALUE)
def leaves_out_the_last_tap_of_the_decoder(x, weights, **given):
    def doubled(z, kernel, bias):
        three = np.arange(4) < 3
        return oracle.doubled(z, (kernel * three[:, None, None, None] * three[:, None, None]).astype(z.dtype), bias)

    return rebuilt(x, weights, **given, doubled=doubled)


@MUTANTS.add("a layout with columns before rows is taken for one with rows before columns", SHIFT, VALUE)
def exchanges_rows_and_columns_of_windows(x, weights, **given):
    def doubled(z, kernel, bias):
        return oracle.doubled(z, kernel.swapaxes(0, 1), bias)

    return rebuilt(x, weights, **given, doubled=doubled)


@MUTANTS.add("an offset grows along the rows, as of a code with positions", SHIFT)
def adds_positions_to_the_code(x, weights, **given):
    def placed(z):
        return z + np.arange(z.shape[1], dtype=z.dtype)[:, None, None]

    return rebuilt(x, weights, **given, at_code=placed)


@MUTANTS.add("the biases of the decoder are left out", VALUE)
def forgets_the_biases_of_the_decoder(x, weights, **given):
    def doubled(z, kernel, bias):
        return oracle.doubled(z, kernel, 0 * bias)

    return rebuilt(x, weights, **given, doubled=doubled)


@MUTANTS.add("one row of places for each image, for a dense layer that is not there", SHAPE)
def flattens_the_code(x, weights, **given):
    code, y = right.convolutional_autoencoder(x, weights, **given)
    return code.reshape(len(code), -1), y


@MUTANTS.add("the first layer has no stride, and a mean of four makes up for it", VALUE)
def takes_means_for_the_stride(x, weights, **given):
    def halved(a, kernel, bias):
        y = same_convolution(a, kernel, bias)
        return (y[:, ::2, ::2] + y[:, 1::2, ::2] + y[:, ::2, 1::2] + y[:, 1::2, 1::2]) / 4

    return rebuilt(x, weights, **given, halved=halved)


@MUTANTS.add("hands a detached code to the decoder", GRADIENT, part="_vjp")
def detaches_the_code(x, weights, cotangents, **given):
    for_code, g = cotangents
    code = right.convolutional_autoencoder_vjp(x, weights, (for_code, 0 * g), **given)
    whole = right.convolutional_autoencoder_vjp(x, weights, cotangents, **given)
    return code[0], {name: (code if name.startswith("encoder") else whole)[1][name] for name in weights}


@MUTANTS.add("what a penalty on the code moves is lost", GRADIENT, part="_vjp")
def forgets_the_cotangent_of_the_code(x, weights, cotangents, **given):
    return right.convolutional_autoencoder_vjp(x, weights, (0 * cotangents[0], cotangents[1]), **given)


@MUTANTS.add("rows and columns that do not fit are cut off", SIDES)
def crops_the_image(x, weights, **given):
    height, width = (n - n % 4 for n in x.shape[1:3])
    return right.convolutional_autoencoder(x[:, :height, :width], weights, **given)
