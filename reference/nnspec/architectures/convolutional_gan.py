r"""A convolutional pair for images: a generator that doubles a small map, a discriminator that halves an image.

The functions take tables of weights, the modules hold one. All windows are of 4 x 4 taps with a stride of 2.
"""

import itertools
import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from nnspec import tables
from nnspec.architectures.convolutional.convolution import convolution_2d
from nnspec.architectures.convolutional.transposed_convolution import transposed_convolution_2d
from nnspec.checking import checked
from nnspec.components.activations import leaky_relu, relu, tanh
from nnspec.components.layers import dense

__all__ = [
    "ConvolutionalDiscriminator", "ConvolutionalGenerator", "convolutional_discriminator", "convolutional_generator",
]  # fmt: skip

LEAK = 0.2  # of the discriminator, Radford, Metz and Chintala 2016
GIVEN: dict[str, Any] = {"padding": "valid", "pads": (1, 1, 1, 1), "stride": (2, 2)}


@checked
@partial(jax.jit, static_argnames=("size",))
def convolutional_generator(
    noise: Float[Array, "batch latent"], weights: dict, *, size: tuple
) -> Float[Array, "batch height width channels"]:
    r"""Make an image of each row of noise: a dense layer to a small map, then one doubling for each kernel more.

    With $*_2^\top$ a transposed convolution of stride 2: $a_0 = \mathrm{relu}(n W_0 + b_0)$,
    $a_l = \mathrm{relu}(a_{i-1} *_2^\top W_l + b_l)$, and $\tanh$ in the place of the last relu
    [convolutional-generator.value][], [convolutional-generator.shape][]

    Args:
        noise: random numbers, any float dtype.
        weights: ``kernel_0`` [latent, rows * columns * maps], ``kernel_l`` [4, 4, in, out], ``bias_l``.
        size: height and width of the images, each a multiple of 2 to the number of doublings.

    Returns:
        Images between -1 and 1.

    Raises:
        ValueError: the doublings do not give the size; a name of the table is missing or unknown; two layers do not
            fit.
        TypeError: an entry of the table is no array, or not of a float dtype.

    Source: Radford, Metz and Chintala 2016, without its batch norms.
    """
    depth = _depth("convolutional_generator", weights)
    axes = {"kernel_0": "in_features places", "bias_0": "places"}
    for i in range(1, depth + 1):
        axes |= {f"kernel_{i}": f"4 4 maps_{i} maps_{i + 1}", f"bias_{i}": f"maps_{i + 1}"}
    tables.check("convolutional_generator", weights, axes, x=noise)
    tables.check_floating("convolutional_generator", weights)
    rows, columns = _smallest("convolutional_generator", size, depth)
    maps = weights["kernel_1"].shape[2]
    if rows * columns * maps != len(weights["bias_0"]):
        raise ValueError(
            f"convolutional_generator: kernel_0 gives {len(weights['bias_0'])} numbers, expected {rows} x {columns} "
            f"places of {maps} maps for images of {size[0]} x {size[1]}"
        )
    a = relu(dense(noise, weights["kernel_0"], weights["bias_0"])).reshape(len(noise), rows, columns, maps)
    for i in range(1, depth + 1):
        z = transposed_convolution_2d(a, weights[f"kernel_{i}"], weights[f"bias_{i}"], **GIVEN)
        a = relu(z) if i < depth else tanh(z)
    return a


@checked
@jax.jit
def convolutional_discriminator(x: Float[Array, "batch height width channels"], weights: dict) -> Float[Array, "batch"]:
    r"""Give the logit of *real* for each image: one halving for each kernel but the last, then a dense layer.

    With $*_2$ a convolution of stride 2 and $\phi$ a leaky ReLU of slope 0.2: $a_l = \phi(a_{i-1} *_2 W_l + b_l)$ from
    $a_{-1} = x$ on, and $a_{L-1} W_L + b_L$ of all its numbers   [convolutional-discriminator.value][]

    Args:
        x: images, any float dtype, whose sides are multiples of 2 to the number of halvings.
        weights: ``kernel_l`` [4, 4, in, out] and ``bias_l`` [out], the last kernel [rows * columns * maps, 1].

    Returns:
        One logit for each image.

    Raises:
        ValueError: a side does not divide; a name of the table is missing or unknown; two layers do not fit.
        TypeError: an entry of the table is no array, or not of a float dtype.

    Source: Radford, Metz and Chintala 2016, without its batch norms.
    """
    depth = _depth("convolutional_discriminator", weights)
    maps, axes = ["in_features", *(f"maps_{i}" for i in range(depth))], {}
    for i in range(depth):
        axes |= {f"kernel_{i}": f"4 4 {maps[i]} {maps[i + 1]}", f"bias_{i}": maps[i + 1]}
    axes |= {f"kernel_{depth}": "places 1", f"bias_{depth}": "1"}
    tables.check("convolutional_discriminator", weights, axes, x=x)
    tables.check_floating("convolutional_discriminator", weights)
    rows, columns = _smallest("convolutional_discriminator", x.shape[1:3], depth)
    places = rows * columns * len(weights[f"bias_{depth - 1}"])
    if places != len(weights[f"kernel_{depth}"]):
        raise ValueError(
            f"convolutional_discriminator: kernel_{depth} takes {len(weights[f'kernel_{depth}'])} numbers, but images "
            f"of {x.shape[1]} x {x.shape[2]} give {places}"
        )
    a = x
    for i in range(depth):
        z = convolution_2d(a, weights[f"kernel_{i}"], weights[f"bias_{i}"], **GIVEN)
        a = leaky_relu(z, negative_slope=LEAK)
    return dense(a.reshape(len(x), places), weights[f"kernel_{depth}"], weights[f"bias_{depth}"])[:, 0]


class ConvolutionalGenerator(nnx.Module):
    r"""The network `convolutional_generator` with its weights   [convolutional-gan.seeds][].

    Kernels start with normal draws of variance $2 / n$, $n$ being the numbers that add up in one entry of the result,
    and $1 / n$ before the hyperbolic tangent; biases with zeros.

    Args:
        latent: how many random numbers an image is made of.
        size: height and width of the images, each a multiple of 2 to the number of ``maps``.
        channels: of the images.
        maps: of the smallest map, and of those after each doubling but the last.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> net = ConvolutionalGenerator(5, size=(28, 28), channels=1, maps=[8, 4], rngs=nnx.Rngs(0))
        >>> net(jnp.ones((3, 5))).shape
        (3, 28, 28, 1)
    """

    @checked
    def __init__(self, latent: int, *, size: tuple, channels: int, maps: Sequence, rngs: nnx.Rngs) -> None:
        _check_sizes("ConvolutionalGenerator", latent, channels, *maps)
        rows, columns = _smallest("ConvolutionalGenerator", size, len(maps))
        shapes = [(latent, rows * columns * maps[0]), *_windows([*maps, channels])]
        added = [latent, *(4 * shape[2] for shape in shapes[1:])]  # 4 of 16 taps reach a place
        gains = [2] * len(maps) + [1]
        self.size = tuple(size)
        self.weights = _drawn(shapes, [g / n for g, n in zip(gains, added, strict=True)], rngs)

    @checked
    def __call__(self, noise: Float[Array, "batch latent"]) -> Float[Array, "batch height width channels"]:
        """Make an image of each row of noise, as `convolutional_generator` does."""
        return convolutional_generator(noise, self.get_weights(), size=self.size)

    def get_weights(self) -> dict[str, Array]:
        """Hand out the table that `convolutional_generator` takes.

        Returns:
            The arrays by name; changing the table does not change the network.
        """
        return {name: w[...] for name, w in self.weights.items()}


class ConvolutionalDiscriminator(nnx.Module):
    r"""The network `convolutional_discriminator` with its weights   [convolutional-gan.seeds][].

    Kernels start with normal draws of variance $2 / n$, $n$ being the numbers that add up in one entry of the result,
    and $1 / n$ before the logit; biases with zeros.

    Args:
        channels: of the images.
        size: height and width of the images, each a multiple of 2 to the number of ``maps``.
        maps: after each halving.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> net = ConvolutionalDiscriminator(1, size=(28, 28), maps=[4, 8], rngs=nnx.Rngs(0))
        >>> net(jnp.ones((3, 28, 28, 1))).shape
        (3,)
    """

    @checked
    def __init__(self, channels: int, *, size: tuple, maps: Sequence, rngs: nnx.Rngs) -> None:
        _check_sizes("ConvolutionalDiscriminator", channels, *maps)
        rows, columns = _smallest("ConvolutionalDiscriminator", size, len(maps))
        shapes = [*_windows([channels, *maps]), (rows * columns * maps[-1], 1)]
        gains = [2] * len(maps) + [1]
        self.weights = _drawn(shapes, [g / math.prod(s[:-1]) for g, s in zip(gains, shapes, strict=True)], rngs)

    @checked
    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch"]:
        """Give the logit of each image, as `convolutional_discriminator` does."""
        return convolutional_discriminator(x, self.get_weights())

    def get_weights(self) -> dict[str, Array]:
        """Hand out the table that `convolutional_discriminator` takes.

        Returns:
            The arrays by name; changing the table does not change the network.
        """
        return {name: w[...] for name, w in self.weights.items()}


def _depth(name: str, weights: dict) -> int:
    """The number of layers with a stride: all kernels but the dense one."""
    depth = sum(str(key).startswith("kernel_") for key in weights) - 1
    if depth < 1:
        raise ValueError(
            f"{name}: weights has {depth + 1} kernels, expected a dense one and at least one of 4 x 4 taps"
        )
    return depth


def _smallest(name: str, size: Sequence, depth: int) -> tuple[int, int]:
    """Rows and columns of the smallest map."""
    step = 2**depth
    if len(size) != 2 or any(isinstance(n, bool) or not isinstance(n, int | np.integer) for n in size):
        raise ValueError(f"{name}: size is {size!r}, expected two integers, height and width")
    if depth < 1 or any(n < 1 or n % step for n in size):
        raise ValueError(
            f"{name}: images have sides {tuple(size)}, expected multiples of {step}, 2 to the {depth} strides"
        )
    return size[0] // step, size[1] // step


def _check_sizes(name: str, *sizes: int) -> None:
    if wrong := [n for n in sizes if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1]:
        raise ValueError(f"{name}: every size must be an integer of at least 1, got {wrong[0]!r}")


def _windows(maps: Sequence) -> list[tuple[int, ...]]:
    return [(4, 4, *pair) for pair in itertools.pairwise(maps)]


def _drawn(shapes: list, variances: list[float], rngs: nnx.Rngs) -> nnx.Dict:
    """Kernels of these variances, and biases of zeros."""
    found = {}
    for i, (shape, variance) in enumerate(zip(shapes, variances, strict=True)):
        found[f"kernel_{i}"] = nnx.Param(jax.random.normal(rngs.params(), shape) * variance**0.5)
        found[f"bias_{i}"] = nnx.Param(jnp.zeros(shape[-1]))
    return nnx.Dict(found)
