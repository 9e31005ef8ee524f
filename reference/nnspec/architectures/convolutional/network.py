"""Feature maps as one row of features, how much of an image they see, and what layers hold and cost.

The first dense kernel depends on how the features are ordered; `reorder_head` brings that kernel from one order to
the other. `receptive_field` counts how much of the image one place of the maps sees.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import jax
from jaxtyping import Array, Float

from nnspec.checking import checked

__all__ = ["LayerCounts", "flatten_features", "receptive_field", "reorder_head"]


class LayerCounts(NamedTuple):
    """What a layer hands on for one image, what it holds, and what it computes.

    Attributes:
        name: of its kernel in the table of weights, or what it does where it has none.
        shape: of the result for one image: height, width and maps, or units.
        parameters: entries of kernel and bias.
        products: of an entry of the kernel and an entry of the image; those with a zero of the padding do not count.
    """

    name: str
    shape: tuple[int, ...]
    parameters: int
    products: int


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
    [network.reorder][]

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
def receptive_field(windows: Sequence, strides: Sequence) -> tuple[int, int]:
    r"""Count how many places along an axis of the input one place of the last layer sees.

    With $k_l$ = ``windows`` and $s_l$ = ``strides``: $r = 1 + \sum_l (k_l - 1) \prod_{i < l} s_i$
    [network.receptive-field-formula][]

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


def _count_convolution(name: str, image: tuple, filters: int, window: int, *, stride: int = 1) -> LayerCounts:
    r"""Count what a convolution with a bias holds and computes, with zeros around the image.

    With $n$ places along an axis, $k$ = ``window``, $s$ = ``stride`` and $q = \lfloor (k-1)/2 \rfloor$ zeros before the
    first place, the $\lceil n/s \rceil$ windows read $r(n) = \sum_i \min(n, si - q + k) - \max(0, si - q)$ places.
    For $C$ channels of an image of $H \times W$ these are $r(H)\, r(W)\, C$ products a filter.

    Args:
        name: of the kernel.
        image: height, width and channels of what it reads.
        filters: how many maps it makes.
        window: rows and columns of its window.
        stride: from one window to the next.

    Returns:
        The counts for one image.

    Source: Dumoulin and Visin 2016, relationship 6, for the number of windows.
    """
    *sides, channels = image
    before = (window - 1) // 2
    counts = [-(-n // stride) for n in sides]
    read = [
        sum(min(n, i * stride - before + window) - max(0, i * stride - before) for i in range(count))
        for n, count in zip(sides, counts, strict=True)
    ]
    weights = window * window * channels * filters
    return LayerCounts(name, (*counts, filters), weights + filters, math.prod(read) * channels * filters)


def _count_dense(name: str, features: int, units: int) -> LayerCounts:
    """Count what a dense layer with a bias holds and computes: a product for each entry of its kernel."""
    return LayerCounts(name, (units,), (features + 1) * units, features * units)
