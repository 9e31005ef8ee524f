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

__all__ = ["ConvolutionalAutoencoder", "convolutional_autoencoder"]

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
        ValueError: a side is no multiple of four; a name of the table is missing or unknown; two layers do not fit.
        TypeError: an entry of the table is no array, or not of a float dtype.

    Source: Masci and others 2011; Radford, Metz and Chintala 2016 for the windows.
    """
    tables.check("convolutional_autoencoder", weights, AXES, x=x)
    tables.check_floating("convolutional_autoencoder", weights)
    if 0 in x.shape[1:3] or x.shape[1] % 4 or x.shape[2] % 4:
        raise ValueError(
            f"convolutional_autoencoder: x has sides {x.shape[1:3]}, expected multiples of 4; pad or crop the images"
        )
    code = _encoded(x, weights, activation)
    return code, _decoded(code, weights, activation)


def _encoded(x: Array, weights: dict, activation: Activation) -> Array:
    """The code [batch, height / 4, width / 4, code]."""
    halve = partial(convolution_2d, padding="valid", pads=(1, 1, 1, 1), stride=(2, 2))
    h = getattr(activations, activation)(halve(x, weights["encoder_kernel_0"], weights["encoder_bias_0"]))
    return halve(h, weights["encoder_kernel_1"], weights["encoder_bias_1"])


def _decoded(code: Array, weights: dict, activation: Activation) -> Array:
    """The reconstruction [batch, height, width, channels]."""
    double = partial(transposed_convolution_2d, padding="valid", pads=(1, 1, 1, 1), stride=(2, 2))
    h = getattr(activations, activation)(double(code, weights["decoder_kernel_1"], weights["decoder_bias_1"]))
    return double(h, weights["decoder_kernel_0"], weights["decoder_bias_0"])


class ConvolutionalAutoencoder(nnx.Module):
    r"""The network `convolutional_autoencoder` with its weights, for images of any size.

    Kernels start with normal draws of variance $1 / n$, with ReLU $2 / n$, $n$ being the numbers that add up in one
    entry of the result; biases with zeros.

    Args:
        channels: of the images.
        maps: between the two layers.
        code: channels of the code.
        activation: ``tanh`` or ``relu``, after all layers but the code and the last.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> net = ConvolutionalAutoencoder(3, maps=8, code=2, rngs=nnx.Rngs(0))
        >>> [part.shape for part in net(jnp.ones((5, 12, 8, 3)))]
        [(5, 3, 2, 2), (5, 12, 8, 3)]
    """

    @checked
    def __init__(self, channels: int, *, maps: int, code: int, activation: Activation = "relu", rngs: nnx.Rngs) -> None:
        sizes = {"in_features": channels, "maps": maps, "code": code}
        if wrong := [n for n in sizes.values() if n < 1]:
            raise ValueError(f"ConvolutionalAutoencoder: every size must be at least 1, got {wrong[0]}")
        gain, found = 2.0 if activation == "relu" else 1.0, {}
        for name, axes in AXES.items():
            shape = [sizes.get(axis) or int(axis) for axis in axes.split()]
            if len(shape) == 1:
                found[name] = nnx.Param(jnp.zeros(shape))
                continue
            added = math.prod(shape[:3]) // (4 if name.startswith("decoder") else 1)  # 4 of 16 taps reach a place
            found[name] = nnx.Param(jax.random.normal(rngs.params(), shape) * (gain / added) ** 0.5)
        self.activation: Activation = activation
        self.weights = nnx.Dict(found)

    @checked
    def __call__(
        self, x: Float[Array, "batch height width channels"]
    ) -> tuple[Float[Array, "batch rows columns code"], Float[Array, "batch height width channels"]]:
        """Encode a batch, and decode the codes, as `convolutional_autoencoder` does."""
        return convolutional_autoencoder(x, self.get_weights(), activation=self.activation)

    def encode(self, x: Array) -> Array:
        """Give the codes of a batch.

        Args:
            x: images [batch, height, width, channels], whose sides are multiples of four.

        Returns:
            The codes [batch, height / 4, width / 4, code].
        """
        return _encoded(x, self.get_weights(), self.activation)

    def decode(self, code: Array) -> Array:
        """Give what the decoder makes of codes.

        Args:
            code: of images, or any others, [batch, rows, columns, code].

        Returns:
            The images [batch, 4 rows, 4 columns, channels].
        """
        return _decoded(code, self.get_weights(), self.activation)

    def get_weights(self) -> dict[str, Array]:
        """Hand out the table that `convolutional_autoencoder` takes.

        Returns:
            The arrays by name; changing the table does not change the network.
        """
        return {name: self.weights[name][...] for name in AXES}
