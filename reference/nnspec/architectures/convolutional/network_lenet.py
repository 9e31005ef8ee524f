r"""A network of two convolutions, two poolings and two dense layers, like LeNet: as a function and as a Flax module.

The weights are one flat table of arrays, ``kernel_0``, ``bias_0``, ..., ``kernel_3``, ``bias_3``. The same network
classifies, if the loss takes its outputs for logits, and regresses, if the loss takes them for predictions.
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
from nnspec.architectures.convolutional.network import (
    LayerCounts,
    _count_convolution,
    _count_dense,
    flatten_features,
)
from nnspec.architectures.convolutional.pooling import average_pool, max_pool
from nnspec.checking import checked
from nnspec.components import activations
from nnspec.components.layers import dense

__all__ = ["LeNet", "lenet", "lenet_counts"]

Activation = Literal["tanh", "relu"]
Pooling = Literal["average", "max"]
POOLS = {"average": average_pool, "max": max_pool}
BLOCK = (2, 2)  # of both poolings, which lie side by side
AXES = {
    "kernel_0": "window window in_features maps_0",
    "bias_0": "maps_0",
    "kernel_1": "window window maps_0 maps_1",
    "bias_1": "maps_1",
    "kernel_2": "features hidden",
    "bias_2": "hidden",
    "kernel_3": "hidden outputs",
    "bias_3": "outputs",
}


@checked
@partial(jax.jit, static_argnames=("activation", "pooling"))
def lenet(
    x: Float[Array, "batch height width channels"], weights: dict, *, activation: Activation, pooling: Pooling
) -> Float[Array, "batch outputs"]:
    r"""Answer with some numbers for each image: two convolutions with poolings, then two dense layers.

    With $a_0$ = ``x``, $\phi$ = ``activation``: $a_{i+1} = \operatorname{pool}(\phi(a_i * W_i + b_i))$ for $i = 0, 1$,
    $y = \phi(\operatorname{flatten}(a_2) W_2 + b_2) W_3 + b_3$   [lenet.value][]

    Args:
        x: images, any float dtype, at least 4 places high and wide.
        weights: ``kernel_0`` and ``kernel_1`` [window, window, in, maps], ``kernel_2`` [features, hidden], ``kernel_3``
            [hidden, outputs], and a ``bias_i`` for each of them.
        activation: ``tanh`` or ``relu``; after every layer but the last.
        pooling: ``average`` or ``max`` of blocks of 2 x 2; a last row or column that fills no block is left out.

    Returns:
        The outputs for each image: logits, or predictions.

    Raises:
        ValueError: a name of the table is missing or unknown; an array does not fit the others, or the head does not
            fit the size of the images; the images are too small for two poolings.
        TypeError: an entry of the table is no array, or not of a float dtype.

    Source: LeCun, Bottou, Bengio and Haffner 1998, section II.B.
    """
    _check("lenet", x, weights)
    phi, pool, a = getattr(activations, activation), POOLS[pooling], x
    for i in range(2):
        maps = phi(convolution_2d(a, weights[f"kernel_{i}"], weights[f"bias_{i}"], padding="same"))
        a = pool(maps, window=BLOCK)  # half as high and wide
    h = phi(dense(flatten_features(a), weights["kernel_2"], weights["bias_2"]))
    return dense(h, weights["kernel_3"], weights["bias_3"])


def _check(name: str, x: Array, weights: dict) -> None:
    """Refuse a table that is not of this network, or of images of another size."""
    tables.check(name, weights, AXES, x=x)
    tables.check_floating(name, weights)
    (_, height, width, _), (rows, _), maps = x.shape, weights["kernel_2"].shape, len(weights["bias_1"])
    if height < 4 or width < 4:
        raise ValueError(f"{name}: x is {height} x {width}, too small for two poolings of 2 x 2; it takes 4 x 4")
    features = (height // 4) * (width // 4) * maps
    if rows != features:
        raise ValueError(
            f"{name}: kernel_2 has {rows} rows but images of {height} x {width} give {height // 4} * {width // 4} * "
            f"{maps} = {features} features; a head fits one size of images"
        )


@checked
def lenet_counts(image: tuple, outputs: int, *, maps: tuple, hidden: int, window: int) -> list[LayerCounts]:
    r"""Count what each layer of `lenet` hands on, holds and computes, without running it.

    Its layers are those of [lenet.value][].

    Args:
        image: height, width and channels.
        outputs: the number of classes, or of predicted numbers.
        maps: filters of both convolutions.
        hidden: units of the first dense layer.
        window: rows and columns of the window of both convolutions.

    Returns:
        The layers in their order, a pooling behind each convolution.

    Source: LeCun, Bottou, Bengio and Haffner 1998, section II.B.
    """
    found, shape = [], image
    for i in range(2):
        layer = _count_convolution(f"kernel_{i}", shape, maps[i], window)
        shape = (layer.shape[0] // 2, layer.shape[1] // 2, maps[i])
        found += [layer, LayerCounts("pooling", shape, 0, 0)]
    return [*found, _count_dense("kernel_2", math.prod(shape), hidden), _count_dense("kernel_3", hidden, outputs)]


class LeNet(nnx.Module):
    r"""The network `lenet` with its weights, for images of one size.

    Kernels start with normal draws of variance $1 / n$, with ReLU $2 / n$, $n$ being the numbers that a unit reads,
    biases with zeros.

    Args:
        image: height, width and channels.
        outputs: the number of classes, or of predicted numbers.
        maps: filters of both convolutions.
        hidden: units of the first dense layer.
        window: rows and columns of the window of both convolutions.
        activation: ``tanh`` or ``relu``.
        pooling: ``average`` or ``max``.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> net = LeNet((12, 12, 1), 3, maps=(4, 6), hidden=8, rngs=nnx.Rngs(0))
        >>> net(jnp.ones((5, 12, 12, 1))).shape
        (5, 3)
    """

    @checked
    def __init__(
        self,
        image: tuple,
        outputs: int,
        *,
        maps: tuple = (6, 16),
        hidden: int = 84,
        window: int = 5,
        activation: Activation = "tanh",
        pooling: Pooling = "average",
        rngs: nnx.Rngs,
    ) -> None:
        if len(image) != 3 or len(maps) != 2:
            raise ValueError(
                f"LeNet: image={image} and maps={maps}; expected (height, width, channels), (first, second)"
            )
        if wrong := [n for n in (*image, *maps, hidden, outputs, window) if n < 1]:
            raise ValueError(f"LeNet: every size must be at least 1, got {wrong[0]}")
        height, width, channels = image
        shapes = [
            (window, window, channels, maps[0]),
            (window, window, *maps),
            ((height // 4) * (width // 4) * maps[1], hidden),
            (hidden, outputs),
        ]
        if not shapes[2][0]:
            raise ValueError(
                f"LeNet: images of {height} x {width} are too small for two poolings of 2 x 2; 4 x 4 will do"
            )
        self.activation: Activation = activation
        self.pooling: Pooling = pooling
        self.weights = nnx.Dict(_first_weights(shapes, rngs, gain=2.0 if activation == "relu" else 1.0))

    @checked
    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch outputs"]:
        """Apply `lenet` to a batch."""
        return lenet(x, self.get_weights(), activation=self.activation, pooling=self.pooling)

    def get_weights(self) -> dict[str, Array]:
        """Hand out the table that `lenet` takes.

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
        _take("LeNet.set_weights", self.weights, weights)


def _first_weights(shapes: list, rngs: nnx.Rngs, *, gain: float) -> dict[str, nnx.Param]:
    """Draw a kernel of each shape, with variance ``gain`` over what a unit reads, and zeros for its bias.

    Args:
        shapes: of the kernels, in their order.
        rngs: where they are drawn from.
        gain: 1, or 2 for ReLU, which is zero half of the time.

    Returns:
        ``kernel_i`` and ``bias_i`` for each shape.

    Source: LeCun, Bottou, Orr and Müller 1998, equation 16; He et al. 2015, equation 10.
    """
    found = {}
    for i, shape in enumerate(shapes):
        draws = jax.random.normal(rngs.params(), shape)
        found[f"kernel_{i}"] = nnx.Param(draws * (gain / math.prod(shape[:-1])) ** 0.5)
        found[f"bias_{i}"] = nnx.Param(jnp.zeros(shape[-1]))
    return found


def _take(operation: str, own: nnx.Dict, weights: dict) -> None:
    """Put a table into the parameters of a module, in their dtypes; refuse other names and shapes.

    Args:
        operation: what errors begin with.
        own: the module's parameters by name.
        weights: the table.

    Raises:
        ValueError: a name is missing or unknown, or a shape is not the module's.
        TypeError: an entry is no array.
    """
    axes = {name: " ".join(map(str, parameter[...].shape)) for name, parameter in own.items()}
    tables.check(operation, weights, axes)
    for name, parameter in own.items():
        parameter[...] = jnp.asarray(weights[name], parameter[...].dtype)
