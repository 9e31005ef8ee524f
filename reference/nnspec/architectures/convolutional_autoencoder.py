r"""A convolutional autoencoder: strided convolutions down to a small map, transposed ones back to the image.

The function takes a table of weights, the module holds one. All windows are of 4 x 4 taps with a stride of 2.
"""

import math
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from nnspec import tables
from nnspec.architectures.convolutional.convolution import convolution_2d
from nnspec.architectures.convolutional.transposed_convolution import transposed_convolution_2d
from nnspec.checking import checked
from nnspec.components import activations

__all__ = [
    "ConvolutionalAutoencoder", "convolutional_autoencoder", "convolutional_decoder", "convolutional_encoder",
    "tied_convolutional_autoencoder",
]  # fmt: skip

Activation = Literal["tanh", "relu"]
AXES = {
    "encoder_kernel_0": "4 4 in_features maps",
    "encoder_bias_0": "maps",
    "encoder_kernel_1": "4 4 maps code",
    "encoder_bias_1": "code",
    "decoder_kernel_1": "4 4 code maps",
    "decoder_bias_1": "maps",
    "decoder_kernel_0": "4 4 maps in_features",
    "decoder_bias_0": "in_features",
}
TIED_AXES = {
    "kernel_0": "4 4 in_features maps",
    "encoder_bias_0": "maps",
    "kernel_1": "4 4 maps code",
    "encoder_bias_1": "code",
    "decoder_bias_1": "maps",
    "decoder_bias_0": "in_features",
}


@checked
@partial(jax.jit, static_argnames=("activation",))
def convolutional_autoencoder(
    x: Float[Array, "batch height width channels"], weights: dict, *, activation: Activation
) -> tuple[Float[Array, "batch rows columns code"], Float[Array, "batch height width channels"]]:
    r"""Encode images by two convolutions, and decode the code by two transposed ones.

    With $\phi$ = ``activation``, $*_2$ a convolution of stride 2 and $*_2^\top$ a transposed one:
    $z = \phi(x *_2 E_0 + e_0) *_2 E_1 + e_1$, $y = \phi(z *_2^\top D_1 + d_1) *_2^\top D_0 + d_0$
    [convolutional-autoencoder.value][], [convolutional-autoencoder.gradient][]

    Args:
        x: images whose sides are multiples of four, any float dtype.
        weights: for both layers ``l`` ``encoder_kernel_l`` [4, 4, in, out], ``encoder_bias_l`` [out], and the layer
            that undoes it, ``decoder_kernel_l`` [4, 4, out, in], ``decoder_bias_l`` [in].
        activation: ``tanh`` or ``relu``, after all layers but the code and the last.

    Returns:
        The code, with a quarter of each side, and the reconstruction, in the shape of ``x``.

    Raises:
        ValueError: a side is no multiple of four; a name of the table is missing or unknown; two layers do not fit, or
            one has no map.
        TypeError: an entry of the table is no array, or not of a float dtype.

    Source: Masci and others 2011; Radford, Metz and Chintala 2016 for the windows.
    """
    _check("convolutional_autoencoder", weights, AXES, x)
    _check_sides("convolutional_autoencoder", x)
    code = _encoded(x, weights, activation)
    return code, _decoded(code, weights, activation)


@checked
@partial(jax.jit, static_argnames=("activation",))
def tied_convolutional_autoencoder(
    x: Float[Array, "batch height width channels"], weights: dict, *, activation: Activation
) -> tuple[Float[Array, "batch rows columns code"], Float[Array, "batch height width channels"]]:
    r"""Encode images by two convolutions, and decode the code by the same kernels, transposed.

    With $W_l$ the kernels of the encoder, $W_l^\top$ with inputs and outputs exchanged, $\phi$ = ``activation``:
    $z = \phi(x *_2 W_0 + e_0) *_2 W_1 + e_1$, $y = \phi(z *_2^\top W_1^\top + d_1) *_2^\top W_0^\top + d_0$
    [convolutional-autoencoder.value][], [tied-convolutional-autoencoder.adjoint][]

    Args:
        x: images whose sides are multiples of four, any float dtype.
        weights: for both layers ``l`` ``kernel_l`` [4, 4, in, out], ``encoder_bias_l`` [out] and ``decoder_bias_l``
            [in].
        activation: ``tanh`` or ``relu``, after all layers but the code and the last.

    Returns:
        The code, with a quarter of each side, and the reconstruction, in the shape of ``x``.

    Raises:
        ValueError: a side is no multiple of four; a name of the table is missing or unknown; two layers do not fit, or
            one has no map.
        TypeError: an entry of the table is no array, or not of a float dtype.

    Source: Masci and others 2011, whose decoder has the encoder's kernels, flipped.
    """
    _check("tied_convolutional_autoencoder", weights, TIED_AXES, x)
    _check_sides("tied_convolutional_autoencoder", x)
    code = _encoded(x, weights, activation)
    return code, _decoded(code, weights, activation)


@checked
@partial(jax.jit, static_argnames=("activation",))
def convolutional_encoder(
    x: Float[Array, "batch height width channels"], weights: dict, *, activation: Activation
) -> Float[Array, "batch rows columns code"]:
    r"""Give the code alone: $z = \phi(x *_2 E_0 + e_0) *_2 E_1 + e_1$   [convolutional-autoencoder.value][].

    Args:
        x: images whose sides are multiples of four, any float dtype.
        weights: a table of `convolutional_autoencoder` or of `tied_convolutional_autoencoder`; entries of the decoder
            may be missing.
        activation: ``tanh`` or ``relu``, between the two layers.

    Returns:
        The code, with a quarter of each side.

    Raises:
        ValueError: a side is no multiple of four; a name of the encoder is missing, or one is unknown; two layers do
            not fit, or one has no map.
        TypeError: an entry of the table is no array, or not of a float dtype.

    Source: Masci and others 2011.
    """
    axes, table = _half(weights, "encoder")
    _check("convolutional_encoder", table, axes, x)
    _check_sides("convolutional_encoder", x)
    return _encoded(x, weights, activation)


@checked
@partial(jax.jit, static_argnames=("activation",))
def convolutional_decoder(
    code: Float[Array, "batch rows columns code"], weights: dict, *, activation: Activation
) -> Float[Array, "batch height width channels"]:
    r"""Give what the decoder makes of a code.

    $y = \phi(z *_2^\top D_1 + d_1) *_2^\top D_0 + d_0$   [convolutional-autoencoder.value][]

    Args:
        code: of images, or any other, any float dtype.
        weights: a table of `convolutional_autoencoder` or of `tied_convolutional_autoencoder`; entries of the encoder
            may be missing.
        activation: ``tanh`` or ``relu``, between the two layers.

    Returns:
        Images with four times each side.

    Raises:
        ValueError: a name of the decoder is missing, or one is unknown; two layers do not fit, or one has no map.
        TypeError: an entry of the table is no array, or not of a float dtype.

    Source: Masci and others 2011.
    """
    axes, table = _half(weights, "decoder")
    read = {"code": "in_features", "in_features": "channels"}  # what the decoder reads is the code
    axes = {name: " ".join(read.get(word, word) for word in words.split()) for name, words in axes.items()}
    _check("convolutional_decoder", table, axes, code)
    return _decoded(code, weights, activation)


def _half(weights: dict, half: str) -> tuple[dict[str, str], dict]:
    """The axes that a half has, and the table without the entries of the other one."""
    other = "decoder" if half == "encoder" else "encoder"
    axes = TIED_AXES if "kernel_0" in weights else AXES
    own = {name: words for name, words in axes.items() if not name.startswith(other)}
    return own, {name: w for name, w in weights.items() if not str(name).startswith(other)}


def _check(operation: str, weights: dict, axes: dict[str, str], x: Array) -> None:
    """Refuse a table that does not fit, or that has a layer without a map."""
    tables.check(operation, weights, axes, x=x)
    tables.check_floating(operation, weights)
    for name in axes:
        if "kernel" in name and 0 in weights[name].shape:
            raise ValueError(f"{operation}: {name} has shape {weights[name].shape}, expected at least 1 map and code")


def _check_sides(operation: str, x: Array) -> None:
    """Refuse images that two strides do not divide."""
    if 0 in x.shape[1:3] or x.shape[1] % 4 or x.shape[2] % 4:
        raise ValueError(f"{operation}: x has sides {x.shape[1:3]}, expected multiples of 4; pad or crop the images")


def _kernel(weights: dict, half: str, i: int) -> Array:
    """The kernel [4, 4, in, out] of a layer; a tied one is read from outputs to inputs by the decoder."""
    if (tied := weights.get(f"kernel_{i}")) is None:
        return weights[f"{half}_kernel_{i}"]
    return tied if half == "encoder" else tied.swapaxes(2, 3)


def _encoded(x: Array, weights: dict, activation: Activation) -> Array:
    """The code [batch, height / 4, width / 4, code]."""
    halve = partial(convolution_2d, padding="valid", pads=(1, 1, 1, 1), stride=(2, 2))
    h = getattr(activations, activation)(halve(x, _kernel(weights, "encoder", 0), weights["encoder_bias_0"]))
    return halve(h, _kernel(weights, "encoder", 1), weights["encoder_bias_1"])


def _decoded(code: Array, weights: dict, activation: Activation) -> Array:
    """The reconstruction [batch, height, width, channels]."""
    double = partial(transposed_convolution_2d, padding="valid", pads=(1, 1, 1, 1), stride=(2, 2))
    h = getattr(activations, activation)(double(code, _kernel(weights, "decoder", 1), weights["decoder_bias_1"]))
    return double(h, _kernel(weights, "decoder", 0), weights["decoder_bias_0"])


class ConvolutionalAutoencoder(nnx.Module):
    r"""The network `convolutional_autoencoder` with its weights, for images of any size.

    Kernels start with normal draws of variance $1 / n$, with ReLU $2 / n$, $n$ being the numbers that add up in one
    entry of the result; biases with zeros.

    Args:
        channels: of the images.
        maps: between the two layers.
        code: channels of the code.
        activation: ``tanh`` or ``relu``, after all layers but the code and the last.
        tied: the decoder has the transposed kernels of the encoder, and biases of its own.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> net = ConvolutionalAutoencoder(3, maps=8, code=2, rngs=nnx.Rngs(0))
        >>> [part.shape for part in net(jnp.ones((5, 12, 8, 3)))]
        [(5, 3, 2, 2), (5, 12, 8, 3)]
    """

    @checked
    def __init__(
        self,
        channels: int,
        *,
        maps: int,
        code: int,
        activation: Activation = "relu",
        tied: bool = False,
        rngs: nnx.Rngs,
    ) -> None:
        sizes = {"in_features": channels, "maps": maps, "code": code}
        if wrong := [n for n in sizes.values() if n < 1]:
            raise ValueError(f"ConvolutionalAutoencoder: every size must be at least 1, got {wrong[0]}")
        gain, found = 2.0 if activation == "relu" else 1.0, {}
        for name, axes in (TIED_AXES if tied else AXES).items():
            shape = [sizes.get(axis) or int(axis) for axis in axes.split()]
            if len(shape) == 1:
                found[name] = nnx.Param(jnp.zeros(shape))
                continue
            added = math.prod(shape[:3]) // (4 if name.startswith("decoder") else 1)  # 4 of 16 taps reach a place
            found[name] = nnx.Param(jax.random.normal(rngs.params(), shape) * (gain / added) ** 0.5)
        self.activation: Activation = activation
        self.tied = tied
        self.weights = nnx.Dict(found)

    @checked
    def __call__(
        self, x: Float[Array, "batch height width channels"]
    ) -> tuple[Float[Array, "batch rows columns code"], Float[Array, "batch height width channels"]]:
        """Encode a batch, and decode the codes, as `convolutional_autoencoder` does, or the tied one."""
        function = tied_convolutional_autoencoder if self.tied else convolutional_autoencoder
        return function(x, self.get_weights(), activation=self.activation)

    def encode(self, x: Array) -> Array:
        """Give the codes of a batch.

        Args:
            x: images [batch, height, width, channels], whose sides are multiples of four.

        Returns:
            The codes [batch, height / 4, width / 4, code].

        Raises:
            ValueError: a side is no multiple of four, or the images have other channels.
        """
        return convolutional_encoder(x, self.get_weights(), activation=self.activation)

    def decode(self, code: Array) -> Array:
        """Give what the decoder makes of codes.

        Args:
            code: of images, or any others, [batch, rows, columns, code].

        Returns:
            The images [batch, 4 rows, 4 columns, channels].

        Raises:
            ValueError: the codes have other channels.
        """
        return convolutional_decoder(code, self.get_weights(), activation=self.activation)

    def get_weights(self) -> dict[str, Array]:
        """Hand out the table that `convolutional_autoencoder` takes, or `tied_convolutional_autoencoder`.

        Returns:
            The arrays by name; changing the table does not change the network.
        """
        return {name: self.weights[name][...] for name in (TIED_AXES if self.tied else AXES)}
