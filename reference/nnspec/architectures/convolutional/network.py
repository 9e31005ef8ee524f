r"""Two small convolutional networks, as functions of a table of weights and as Flax modules.

`lenet` halves its feature maps twice and ends with dense layers, whose first kernel depends on how the features are
ordered; `reorder_head` brings that kernel from one order to another. `residual_network` adds shortcuts, and averages
each map over all places, so that it takes images of any size.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from nnspec import tables
from nnspec.architectures.convolutional.convolution import convolution_2d
from nnspec.checking import checked
from nnspec.components import activations
from nnspec.components.layers import dense

__all__ = [
    "LeNet", "ResidualNetwork", "flatten_features", "lenet", "network_costs", "receptive_field", "reorder_head",
    "residual_network",
]  # fmt: skip

Activation = Literal["tanh", "relu"]
Pooling = Literal["average", "max"]
LENET = {
    "kernel_0": "5 5 in_features maps_0", "bias_0": "maps_0",
    "kernel_1": "5 5 maps_0 maps_1", "bias_1": "maps_1",
    "kernel_2": "features units_2", "bias_2": "units_2",
    "kernel_3": "units_2 units_3", "bias_3": "units_3",
}  # fmt: skip
RESIDUAL = {
    "kernel_0": "3 3 in_features maps_0", "bias_0": "maps_0",
    "kernel_1": "3 3 maps_0 maps_0", "bias_1": "maps_0",
    "kernel_2": "3 3 maps_0 maps_0", "bias_2": "maps_0",
    "kernel_3": "3 3 maps_0 maps_1", "bias_3": "maps_1",
    "kernel_4": "3 3 maps_1 maps_1", "bias_4": "maps_1",
    "shortcut_kernel": "1 1 maps_0 maps_1", "shortcut_bias": "maps_1",
    "kernel_5": "maps_1 units_5", "bias_5": "units_5",
}  # fmt: skip


@checked
@jax.jit
def flatten_features(x: Float[Array, "batch height width channels"]) -> Float[Array, "batch features"]:
    r"""Put the feature maps of an image into one row, place by place, all channels of a place together.

    With $W$ columns and $C$ channels: $f_{(iW + j)C + c} = x_{i,j,c}$   [network.flatten-order][]

    Args:
        x: feature maps, any float dtype.

    Returns:
        One row of features for each image.

    Source: the layout [height, width, channels] of TensorFlow and Flax.
    """
    return x.reshape(len(x), -1)


@checked
def reorder_head(
    kernel: Float[Array, "features units"], *, maps: tuple, before: Literal["hwc", "chw"]
) -> Float[Array, "features units"]:
    r"""Reorder the rows of a dense kernel for features in the other order: the logits are the same.

    With $H, W, C$ = ``maps``, from ``chw``: row $(iW + j)C + c$ of the result is row $(cH + i)W + j$ of ``kernel``
    [network.ported][]

    Args:
        kernel: of the first dense layer behind the feature maps.
        maps: height, width and channels of the feature maps.
        before: the order of the features that ``kernel`` was made for: ``chw`` of PyTorch, or ``hwc``.

    Returns:
        The kernel for the other order.

    Raises:
        ValueError: ``maps`` are not three numbers, or have not as many features as the kernel has rows.

    Source: the layouts of PyTorch, [channels, height, width], and TensorFlow, [height, width, channels].
    """
    if len(maps) != 3 or math.prod(maps) != len(kernel):
        raise ValueError(
            f"reorder_head: kernel has {len(kernel)} rows but maps={maps} give {math.prod(maps)} features; "
            "maps are height, width and channels"
        )
    H, W, C = maps
    if before == "chw":
        return kernel.reshape(C, H, W, -1).transpose(1, 2, 0, 3).reshape(kernel.shape)
    return kernel.reshape(H, W, C, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)


@checked
@partial(jax.jit, static_argnames=("activation", "pooling"))
def lenet(
    x: Float[Array, "batch height width channels"], weights: dict, *, activation: Activation, pooling: Pooling
) -> dict[str, Array]:
    r"""Run images through two convolutions, each with a pooling, and two dense layers, and keep every value.

    With $\phi$ = ``activation`` and $P$ = ``pooling`` of two by two, for $l = 0, 1$: $m_l = \phi(p_{l-1} * K_l + b_l)$,
    $p_l = P(m_l)$, $p_{-1} = x$; then $f$ = `flatten_features` of $p_1$, $h = \phi(f K_2 + b_2)$,
    $y = h K_3 + b_3$   [network.value][]

    Args:
        x: images, any float dtype.
        weights: ``kernel_0`` and ``kernel_1`` [5, 5, in, out], ``kernel_2`` [features, units] and ``kernel_3``
            [units, outputs], each with a bias ``bias_l``.
        activation: ``tanh`` or ``relu``; the output has none.
        pooling: ``average`` or ``max``; an odd last row or column is left out.

    Returns:
        ``maps_0``, ``pooled_0``, ``maps_1``, ``pooled_1``, ``features``, ``hidden`` and ``output``.

    Raises:
        ValueError: a name of the table is missing or unknown; two layers do not fit; ``kernel_2`` was made for images
            of another size.
        TypeError: an entry of the table is no array, or not of a float dtype.

    Source: after LeCun, Bottou, Bengio and Haffner 1998, figure 2.
    """
    tables.check("lenet", weights, LENET, x=x)
    tables.check_floating("lenet", weights)
    features = (x.shape[1] // 4) * (x.shape[2] // 4) * weights["kernel_1"].shape[-1]
    if len(weights["kernel_2"]) != features or not features:
        raise ValueError(
            f"lenet: kernel_2 takes {len(weights['kernel_2'])} features but images of {x.shape[1]} by {x.shape[2]} "
            f"give {features}; bring the images to the size that the table was made for, at least 4 by 4"
        )
    phi, p, values = getattr(activations, activation), x, {}
    for i in range(2):
        m = phi(convolution_2d(p, weights[f"kernel_{i}"], weights[f"bias_{i}"], padding="same"))
        p = _halved(m, pooling)
        values |= {f"maps_{i}": m, f"pooled_{i}": p}
    f = flatten_features(p)
    h = phi(dense(f, weights["kernel_2"], weights["bias_2"]))
    y = dense(h, weights["kernel_3"], weights["bias_3"])
    return values | {"features": f, "hidden": h, "output": y}


def _halved(x: Array, pooling: Pooling) -> Array:
    """The largest or the mean of each square of two by two; by reshaping, which XLA on a CPU runs fastest."""
    rows, columns = x.shape[1] // 2, x.shape[2] // 2
    fours = x[:, : 2 * rows, : 2 * columns].reshape(len(x), rows, 2, columns, 2, x.shape[-1])
    return fours.max((2, 4)) if pooling == "max" else fours.mean((2, 4))


@checked
@partial(jax.jit, static_argnames="activation")
def residual_network(
    x: Float[Array, "batch height width channels"], weights: dict, *, activation: Activation
) -> dict[str, Array]:
    r"""Run images through a convolution, two blocks with a shortcut, a mean over all places, and a dense layer.

    With $\phi$ = ``activation``: $a_0 = \phi(x * K_0 + b_0)$, a block is
    $a_1 = \phi(\phi(a_0 * K_1 + b_1) * K_2 + b_2 + a_0)$, and the second block, with a stride of two, has a shortcut of
    one tap: $a_2 = \phi(\phi(a_1 * K_3 + b_3) * K_4 + b_4 + a_1 * K_s + b_s)$   [network.value][]

    Args:
        x: images of any size, any float dtype.
        weights: ``kernel_0`` to ``kernel_4`` [3, 3, in, out], ``shortcut_kernel`` [1, 1, in, out] and ``kernel_5``
            [maps, outputs], each with its bias.
        activation: ``tanh`` or ``relu``; the output has none.

    Returns:
        ``maps``, ``block_0``, ``block_1``, ``pooled`` and ``output``.

    Raises:
        ValueError: a name of the table is missing or unknown; two layers do not fit.
        TypeError: an entry of the table is no array, or not of a float dtype.

    Source: He, Zhang, Ren and Sun 2016, figures 2 and 3, without batch normalization.
    """
    tables.check("residual_network", weights, RESIDUAL, x=x)
    tables.check_floating("residual_network", weights)
    phi = getattr(activations, activation)

    def conv(a: Array, i: int) -> Array:
        return convolution_2d(a, weights[f"kernel_{i}"], weights[f"bias_{i}"], padding="same")

    a = maps = phi(conv(x, 0))
    a = block_0 = phi(conv(phi(conv(a, 1)), 2) + a)
    smaller = phi(
        convolution_2d(a, weights["kernel_3"], weights["bias_3"], padding="valid", pads=(1, 1, 1, 1), stride=(2, 2))
    )
    K, b = weights["shortcut_kernel"], weights["shortcut_bias"]
    shortcut = convolution_2d(a, K, b, padding="valid", stride=(2, 2))
    block_1 = phi(conv(smaller, 4) + shortcut)
    pooled = block_1.mean((1, 2))  # [batch, maps]
    y = dense(pooled, weights["kernel_5"], weights["bias_5"])
    return {"maps": maps, "block_0": block_0, "block_1": block_1, "pooled": pooled, "output": y}


@checked
def receptive_field(windows: Sequence, strides: Sequence) -> tuple[int, int]:
    r"""Count how many places along an axis of the input one place of the last layer sees.

    With $k_l$ = ``windows`` and $s_l$ = ``strides``: $r = 1 + \sum_l (k_l - 1) \prod_{i < l} s_i$
    [network.receptive-field][]

    Args:
        windows: the taps of each layer, a convolution's or a pooling's.
        strides: the stride of each.

    Returns:
        The number of places, and how far apart two neighbours of the last layer look, the product of all strides.

    Raises:
        ValueError: there are more windows than strides, or fewer; one of them is below 1.

    Source: Araujo, Norris and Sim 2019, equation 2.
    """
    if len(windows) != len(strides):
        raise ValueError(
            f"receptive_field: {len(windows)} windows but {len(strides)} strides; give one of each a layer"
        )
    if wrong := [n for n in (*windows, *strides) if n < 1]:
        raise ValueError(f"receptive_field: windows and strides must be at least 1, got {wrong[0]}")
    r, jump = 1, 1
    for k, s in zip(windows, strides, strict=True):
        r, jump = r + (k - 1) * jump, jump * s
    return r, jump


@checked
def network_costs(weights: dict, *, height: int, width: int) -> dict[str, int]:
    r"""Count the parameters of a table of `lenet`, and the products that one image takes.

    A convolution of $k$ taps that keeps a length $H$ reads $k H - (k^2 - 1) / 4$ numbers along it, and as many zeros as
    are missing from $k H$; products with zeros are not counted   [network.costs][]

    Args:
        weights: the table, of arrays or of their shapes.
        height: rows of an image, at least 4.
        width: its columns, at least 4.

    Returns:
        ``parameters``, and ``products`` of one forward pass.

    Source: counted here.
    """
    shapes = {name: weights[name].shape for name in LENET}
    products = 0
    for i in range(2):
        k, _, C, F = shapes[f"kernel_{i}"]
        h, w = height // 2**i, width // 2**i
        products += (k * h - (k * k - 1) // 4) * (k * w - (k * k - 1) // 4) * C * F
    products += math.prod(shapes["kernel_2"]) + math.prod(shapes["kernel_3"])
    return {"parameters": sum(map(math.prod, shapes.values())), "products": products}


class _Network(nnx.Module):
    """A network that holds a table of weights: kernels start with normal draws of variance 1/n, biases with zeros."""

    def __init__(self, shapes: dict[str, tuple[int, ...]], rngs: nnx.Rngs) -> None:
        parameters = {}
        for name, shape in shapes.items():
            if min(shape) < 1:
                raise ValueError(f"{type(self).__name__}: {name} would have shape {shape}; every length is at least 1")
            n = math.prod(shape[:-1])  # inputs of a unit: LeCun 1998, the variance of the input is kept
            draws = jax.random.normal(rngs.params(), shape) / n**0.5 if len(shape) > 1 else jnp.zeros(shape)
            parameters[name] = nnx.Param(draws)
        self.parameters = nnx.Dict(parameters)

    def get_weights(self) -> dict[str, Array]:
        """Hand out the table that the function takes.

        Returns:
            The arrays by name; changing the table does not change the network.
        """
        return {name: parameter[...] for name, parameter in self.parameters.items()}

    def set_weights(self, weights: dict) -> None:
        """Take a table such as `get_weights` hands out.

        Args:
            weights: an array for every name, in the shape that the network has.

        Raises:
            ValueError: a name is missing or unknown, or a shape is not the network's.
            TypeError: an entry is no array.
        """
        own = self.get_weights()
        shapes = {name: " ".join(map(str, value.shape)) for name, value in own.items()}
        tables.check(f"{type(self).__name__}.set_weights", weights, shapes)
        for name, value in own.items():
            self.parameters[name][...] = jnp.asarray(weights[name], value.dtype)


class LeNet(_Network):
    r"""The network of `lenet`, which holds its weights.

    Args:
        image: height, width and channels of the images.
        maps: filters of the two convolutions.
        hidden: units of the hidden dense layer.
        outputs: classes, or numbers to regress.
        activation: ``tanh`` or ``relu``.
        pooling: ``average`` or ``max``.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> net = LeNet((28, 28, 1), outputs=10, rngs=nnx.Rngs(0))
        >>> net(jnp.ones((2, 28, 28, 1))).shape
        (2, 10)
    """

    @checked
    def __init__(
        self,
        image: tuple,
        *,
        maps: tuple = (6, 16),
        hidden: int = 84,
        outputs: int,
        activation: Activation = "tanh",
        pooling: Pooling = "average",
        rngs: nnx.Rngs,
    ) -> None:
        height, width, channels = image
        n0, n1 = maps
        kernels = [(5, 5, channels, n0), (5, 5, n0, n1), ((height // 4) * (width // 4) * n1, hidden), (hidden, outputs)]
        super().__init__(dict(zip(LENET, [s for k in kernels for s in (k, k[-1:])], strict=True)), rngs)
        self.activation: Activation = activation
        self.pooling: Pooling = pooling

    @checked
    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch outputs"]:
        """Give the output of `lenet`: logits, or numbers."""
        return lenet(x, self.get_weights(), activation=self.activation, pooling=self.pooling)["output"]


class ResidualNetwork(_Network):
    r"""The network of `residual_network`, which holds its weights.

    Args:
        channels: of the images, whose size is free.
        maps: filters of the first block and of the second.
        outputs: classes, or numbers to regress.
        activation: ``tanh`` or ``relu``.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> net = ResidualNetwork(3, outputs=10, rngs=nnx.Rngs(0))
        >>> net(jnp.ones((2, 9, 7, 3))).shape
        (2, 10)
    """

    @checked
    def __init__(
        self, channels: int, *, maps: tuple = (16, 32), outputs: int, activation: Activation = "relu", rngs: nnx.Rngs
    ) -> None:
        n0, n1 = maps
        kernels = [(3, 3, channels, n0), (3, 3, n0, n0), (3, 3, n0, n0), (3, 3, n0, n1), (3, 3, n1, n1), (1, 1, n0, n1)]
        kernels.append((n1, outputs))
        super().__init__(dict(zip(RESIDUAL, [s for k in kernels for s in (k, k[-1:])], strict=True)), rngs)
        self.activation: Activation = activation

    @checked
    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch outputs"]:
        """Give the output of `residual_network`: logits, or numbers."""
        return residual_network(x, self.get_weights(), activation=self.activation)["output"]
