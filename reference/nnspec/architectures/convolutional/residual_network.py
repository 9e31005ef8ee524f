r"""A residual network of two blocks, as a function of a table of weights and as a Flax module.

The weights are one flat table of arrays, ``kernel_0``, ``bias_0``, ..., ``kernel_6``, ``bias_6``. The first block
keeps the shape, and its shortcut has no weights. The second block halves height and width, and its shortcut is a
convolution.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import jax
from flax import nnx
from jaxtyping import Array, Float

from nnspec import tables
from nnspec.architectures.convolutional.convolution import convolution_2d
from nnspec.architectures.convolutional.network import LayerCounts, _count_convolution, _count_dense
from nnspec.architectures.convolutional.network_lenet import _first_weights, _take
from nnspec.architectures.convolutional.pooling import global_average_pool
from nnspec.checking import checked
from nnspec.components import activations
from nnspec.components.layers import dense

__all__ = ["ResidualNetwork", "residual_network", "residual_network_counts"]

Activation = Literal["tanh", "relu"]
AXES = {
    "kernel_0": "3 3 in_features maps_0",
    "bias_0": "maps_0",
    "kernel_1": "3 3 maps_0 maps_0",
    "bias_1": "maps_0",
    "kernel_2": "3 3 maps_0 maps_0",
    "bias_2": "maps_0",
    "kernel_3": "3 3 maps_0 maps_1",
    "bias_3": "maps_1",
    "kernel_4": "3 3 maps_1 maps_1",
    "bias_4": "maps_1",
    "kernel_5": "1 1 maps_0 maps_1",
    "bias_5": "maps_1",
    "kernel_6": "maps_1 outputs",
    "bias_6": "outputs",
}


@checked
@partial(jax.jit, static_argnames=("activation",))
def residual_network(
    x: Float[Array, "batch height width channels"], weights: dict, *, activation: Activation
) -> Float[Array, "batch outputs"]:
    r"""Answer with some numbers for each image: a convolution, two blocks with shortcuts, and a dense layer.

    With $\phi$ = ``activation``, $P, p$ = ``kernel_5``, ``bias_5``, and $*_2$ a convolution of stride 2:
    $a_0 = \phi(x * W_0 + b_0)$, $a_1 = \phi(a_0 + \phi(a_0 * W_1 + b_1) * W_2 + b_2)$,
    $a_2 = \phi(a_1 *_2 P + p + \phi(a_1 *_2 W_3 + b_3) * W_4 + b_4)$,
    $y = \operatorname{mean}(a_2) W_6 + b_6$   [residual-network.value][]

    Args:
        x: images of any size, any float dtype.
        weights: ``kernel_0`` to ``kernel_4`` [3, 3, in, maps], ``kernel_5`` [1, 1, in, maps], ``kernel_6`` [maps,
            outputs], and a ``bias_i`` for each of them.
        activation: ``tanh`` or ``relu``; inside of each block and behind its addition.

    Returns:
        The outputs for each image: logits, or predictions.

    Raises:
        ValueError: a name of the table is missing or unknown; an array does not fit the others or the images; the
            images have no place.
        TypeError: an entry of the table is no array, or not of a float dtype.

    Source: He, Zhang, Ren and Sun 2016, equations 1 and 2.
    """
    tables.check("residual_network", weights, AXES, x=x)
    tables.check_floating("residual_network", weights)
    if 0 in x.shape[1:3]:
        raise ValueError(f"residual_network: x has shape {x.shape}, images without a place; expected at least 1 x 1")
    means = global_average_pool(_last_maps(x, weights, getattr(activations, activation)))
    return dense(means, weights["kernel_6"], weights["bias_6"])


def _last_maps(x: Array, weights: dict, phi: Callable[[Array], Array]) -> Array:
    """The maps behind both blocks, [batch, ceil(height / 2), ceil(width / 2), maps_1]."""

    def convolution(i: int, a: Array) -> Array:
        return convolution_2d(a, weights[f"kernel_{i}"], weights[f"bias_{i}"], padding="same")

    def strided(i: int, a: Array, zeros: int) -> Array:  # the same zeros on all four sides
        W, b = weights[f"kernel_{i}"], weights[f"bias_{i}"]
        return convolution_2d(a, W, b, padding="valid", pads=(zeros,) * 4, stride=(2, 2))

    a = phi(convolution(0, x))
    a = phi(a + convolution(2, phi(convolution(1, a))))
    return phi(strided(5, a, 0) + convolution(4, phi(strided(3, a, 1))))


@checked
def residual_network_counts(image: tuple, outputs: int, *, maps: tuple) -> list[LayerCounts]:
    r"""Count what each layer of `residual_network` hands on, holds and computes, without running it.

    Its layers are those of [residual-network.value][].

    Args:
        image: height, width and channels.
        outputs: the number of classes, or of predicted numbers.
        maps: filters of the first convolution and block, and of the second block.

    Returns:
        The layers in the order of their kernels, with the mean before the last one.

    Source: He, Zhang, Ren and Sun 2016, section 3.3.
    """
    m, n = maps
    first = _count_convolution("kernel_0", image, m, 3)
    block = [_count_convolution(f"kernel_{i}", first.shape, m, 3) for i in (1, 2)]
    halved = _count_convolution("kernel_3", first.shape, n, 3, stride=2)
    last = _count_convolution("kernel_4", halved.shape, n, 3)
    projection = _count_convolution("kernel_5", first.shape, n, 1, stride=2)
    mean = LayerCounts("mean", (n,), 0, 0)
    return [first, *block, halved, last, projection, mean, _count_dense("kernel_6", n, outputs)]


class ResidualNetwork(nnx.Module):
    r"""The network `residual_network` with its weights, for images of any size.

    Kernels start with normal draws of variance $1 / n$, with ReLU $2 / n$, $n$ being the numbers that a unit reads,
    biases with zeros.

    Args:
        outputs: the number of classes, or of predicted numbers.
        channels: of the images.
        maps: filters of the first convolution and block, and of the second block.
        activation: ``tanh`` or ``relu``.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> net = ResidualNetwork(4, maps=(8, 16), rngs=nnx.Rngs(0))
        >>> net(jax.numpy.ones((5, 12, 9, 3))).shape
        (5, 4)
    """

    @checked
    def __init__(
        self,
        outputs: int,
        *,
        channels: int = 3,
        maps: tuple = (16, 32),
        activation: Activation = "relu",
        rngs: nnx.Rngs,
    ) -> None:
        if len(maps) != 2:
            raise ValueError(f"ResidualNetwork: maps={maps}; expected the filters of both halves, (first, second)")
        if wrong := [n for n in (channels, *maps, outputs) if n < 1]:
            raise ValueError(f"ResidualNetwork: every size must be at least 1, got {wrong[0]}")
        m, n = maps
        shapes = [
            (3, 3, channels, m),
            (3, 3, m, m),
            (3, 3, m, m),
            (3, 3, m, n),
            (3, 3, n, n),
            (1, 1, m, n),
            (n, outputs),
        ]
        self.activation: Activation = activation
        self.weights = nnx.Dict(_first_weights(shapes, rngs, gain=2.0 if activation == "relu" else 1.0))

    @checked
    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch outputs"]:
        """Apply `residual_network` to a batch."""
        return residual_network(x, self.get_weights(), activation=self.activation)

    def get_weights(self) -> dict[str, Array]:
        """Hand out the table that `residual_network` takes.

        Returns:
            The arrays by name; changing the table does not change the network.
        """
        return {name: self.weights[name][...] for name in AXES}

    def set_weights(self, weights: dict) -> None:
        """Take a table such as `get_weights` hands out.

        Args:
            weights: an array for every name, in the shape that the network has.

        Raises:
            ValueError: a name is missing or unknown, or a shape is not the network's.
            TypeError: an entry is no array.
        """
        _take("ResidualNetwork.set_weights", self.weights, weights)
