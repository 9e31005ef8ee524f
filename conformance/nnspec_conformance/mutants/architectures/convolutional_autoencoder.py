"""Wrong convolutional autoencoders, each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.adapters.numpy_oracle.rounding import in_dtype
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.architectures import convolutional_autoencoder as oracle
from nnspec_conformance.oracles.architectures.convolutional._maps import activate, same_convolution, strided_convolution

MUTANTS = Mutants()
FAMILY = tuple(f"convolutional-autoencoder.{name}" for name in ("value", "shape", "gradient", "sides", "maps"))
VALUE, SHAPE, GRADIENT, SIDES, MAPS = (f"{clause}[convolutional_autoencoder]" for clause in FAMILY)
EXAMPLE, SHIFT, EVEN = (f"convolutional-autoencoder.{name}" for name in ("example", "shift", "even"))
TIED_VALUE, TIED_GRADIENT = (f"{FAMILY[i]}[tied_convolutional_autoencoder]" for i in (0, 2))
ADJOINT = "tied-convolutional-autoencoder.adjoint"


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


@MUTANTS.each("one row of places for each image, for a dense layer that is not there", FAMILY[1])
def flattens_the_code(f, x, weights, **given):
    code, y = f(x, weights, **given)
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


@MUTANTS.each("what a penalty on the code moves is lost", FAMILY[2], part="_vjp")
def forgets_the_cotangent_of_the_code(f, x, weights, cotangents, **given):
    return f(x, weights, (0 * cotangents[0], cotangents[1]), **given)


@MUTANTS.each("rows and columns that do not fit are cut off", FAMILY[3])
def crops_the_image(f, x, weights, **given):
    height, width = (n - n % 4 for n in x.shape[1:3])
    return f(x[:, :height, :width], weights, **given)


@MUTANTS.each("a layer without a map is taken: every image has the reconstruction of the biases", FAMILY[4])
def answers_without_a_code(f, x, weights, **given):
    wide = {name: np.zeros([max(n, 1) for n in w.shape], w.dtype) if 0 in w.shape else w for name, w in weights.items()}
    return f(x, wide, **given)


# ---- tied weights


def untied(weights, turned):
    """The table of both halves, the decoder's kernels being made of the encoder's by a function."""
    found = {name: w for name, w in weights.items() if "bias" in name}
    for i in (0, 1):
        kernel = weights[f"kernel_{i}"]
        found |= {f"encoder_kernel_{i}": kernel, f"decoder_kernel_{i}": turned(kernel)}
    return found


@MUTANTS.add("the tied kernels of the decoder are flipped, as for a layer that slides them", TIED_VALUE, ADJOINT)
def flips_the_tied_kernels(x, weights, **given):
    return right.convolutional_autoencoder(x, untied(weights, lambda k: k[::-1, ::-1].swapaxes(2, 3)), **given)


@MUTANTS.add("a tied kernel is reshaped to outputs and inputs, where it must be transposed", TIED_VALUE, ADJOINT)
def reshapes_the_tied_kernels(x, weights, **given):
    def reshaped(kernel):
        return kernel.reshape(*kernel.shape[:2], *kernel.shape[:1:-1])

    return right.convolutional_autoencoder(x, untied(weights, reshaped), **given)


@MUTANTS.add("the whole kernel is transposed, rows and columns of its window, too", TIED_VALUE, ADJOINT)
def transposes_the_windows(x, weights, **given):
    return right.convolutional_autoencoder(x, untied(weights, lambda kernel: kernel.transpose(1, 0, 3, 2)), **given)


@MUTANTS.add("the tied kernel is divided by the four taps that reach a place", TIED_VALUE, ADJOINT)
def divides_the_tied_kernels(x, weights, **given):
    return right.convolutional_autoencoder(x, untied(weights, lambda kernel: kernel.swapaxes(2, 3) / 4), **given)


def uses(x, weights, cotangents, **given):
    """The gradients of both uses of a tied kernel, by its name."""
    _, found = right.convolutional_autoencoder_vjp(x, oracle.untied(weights), cotangents, **given)
    return {f"kernel_{i}": (found[f"encoder_kernel_{i}"], found[f"decoder_kernel_{i}"].swapaxes(2, 3)) for i in (0, 1)}


@MUTANTS.add("the gradient of a tied kernel is written by each use and not added: the encoder's stays", TIED_GRADIENT,
             part="_vjp")  # fmt: skip
def leaves_out_the_use_of_the_decoder(x, weights, cotangents, **given):
    dx, found = right.tied_convolutional_autoencoder_vjp(x, weights, cotangents, **given)
    return dx, found | {name: both[0] for name, both in uses(x, weights, cotangents, **given).items()}


@MUTANTS.add("the encoder reads a detached copy of a tied kernel, which learns as a decoder's alone", TIED_GRADIENT,
             part="_vjp")  # fmt: skip
def leaves_out_the_use_of_the_encoder(x, weights, cotangents, **given):
    dx, found = right.tied_convolutional_autoencoder_vjp(x, weights, cotangents, **given)
    return dx, found | {name: both[1] for name, both in uses(x, weights, cotangents, **given).items()}


@MUTANTS.add("a tied kernel has the mean of the gradients of its uses", TIED_GRADIENT, part="_vjp")
def averages_the_uses(x, weights, cotangents, **given):
    dx, found = right.tied_convolutional_autoencoder_vjp(x, weights, cotangents, **given)
    return dx, {name: (g / 2 if name.startswith("kernel") else g).astype(g.dtype) for name, g in found.items()}
