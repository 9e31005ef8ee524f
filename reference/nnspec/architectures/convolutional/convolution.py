r"""Convolution along one axis and along two: a window that slides over an image and has the same weights everywhere.

Both functions take images as [batch, lengths, channels] and kernels as [window, channels, filters]. ``plain`` copies
what each tap of the window reads, and multiplies once. ``fused`` is XLA's own convolution, with two exceptions. Where a
filter reads one channel, the products of the taps are added as they are, which on a CPU is up to 30 times faster. Where
it reads few and the stride divides the window, a CPU reads whole blocks.
"""

import math
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from nnspec.architectures.convolutional._blocks import divides, of_blocks
from nnspec.architectures.convolutional._windows import (
    LAYOUTS,
    Implementation,
    check_numbers,
    fitting,
    of_one_channel,
    of_patches,
    over_taps,
    with_bias,
)
from nnspec.checking import checked

__all__ = ["convolution_1d", "convolution_2d"]

PaddingName = Literal["valid", "same", "same_lower"]
FEW_CHANNELS = 8  # with 16 XLA's own convolution is as fast as one of blocks, which copies four times as much
MOST_TAPS = 64  # each is an operation of its own in the program
STATIC = ("padding", "pads", "stride", "dilation", "groups", "implementation")


@checked
@partial(jax.jit, static_argnames=STATIC)
def convolution_1d(
    x: Float[Array, "batch length in_channels"],
    kernel: Float[Array, "window group_channels filters"],
    bias: Float[Array, "filters"] | None = None,
    *,
    padding: PaddingName,
    pads: tuple = (0, 0),
    stride: tuple = (1,),
    dilation: tuple = (1,),
    groups: int = 1,
    implementation: Implementation | None = None,
) -> Float[Array, "batch places filters"]:
    r"""Slide a window along one axis: at every place a weighted sum of what it reads.

    With $W$ = ``kernel``, $b$ = ``bias``, $s$ = ``stride``, $d$ = ``dilation``, and $x$ padded with zeros:
    $y_{p,o} = b_o + \sum_{a,i} x_{s p + d a,\,i}\, W_{a,i,o}$   [convolution.value][]

    Args:
        x: sequences, any float dtype.
        kernel: weights; with several groups, of each filter for the channels of its group.
        bias: one number a filter; none is added if it is left out.
        padding: zeros by name: ``valid`` none, ``same`` as many as keep the length, over the stride, the odd one at
            the end, ``same_lower`` at the start.
        pads: zeros at the start and at the end, beside ``valid``.
        stride: places from one window to the next, at least 1.
        dilation: places from one tap to the next, at least 1.
        groups: of channels that do not meet; divides the channels and the filters.
        implementation: ``plain`` or ``fused``; by default fused.

    Returns:
        One number for each place of the window and each filter.

    Raises:
        ValueError: channels, filters and groups do not fit; a stride or dilation is below 1; pads are negative or not
            two, or stand beside another padding than ``valid``; no window fits.

    Source: LeCun, Bottou, Bengio and Haffner 1998, section II; Goodfellow, Bengio and Courville 2016, section 9.1.
    """
    pairs = _checked("convolution_1d", x, kernel, padding, pads, stride, dilation, groups)
    return _convolution(x, kernel, bias, pairs, stride, dilation, groups, implementation)


@checked
@partial(jax.jit, static_argnames=STATIC)
def convolution_2d(
    x: Float[Array, "batch height width in_channels"],
    kernel: Float[Array, "window_height window_width group_channels filters"],
    bias: Float[Array, "filters"] | None = None,
    *,
    padding: PaddingName,
    pads: tuple = (0, 0, 0, 0),
    stride: tuple = (1, 1),
    dilation: tuple = (1, 1),
    groups: int = 1,
    implementation: Implementation | None = None,
) -> Float[Array, "batch rows columns filters"]:
    r"""Slide a window over an image: at every place a weighted sum of what it reads.

    With $W$ = ``kernel``, $b$ = ``bias``, $s$ = ``stride``, $d$ = ``dilation``, and $x$ padded with zeros:
    $y_{p,q,o} = b_o + \sum_{a,c,i} x_{s_1 p + d_1 a,\,s_2 q + d_2 c,\,i}\, W_{a,c,i,o}$   [convolution.value][]

    Args:
        x: images, any float dtype.
        kernel: weights; with several groups, of each filter for the channels of its group.
        bias: one number a filter; none is added if it is left out.
        padding: zeros by name: ``valid`` none, ``same`` as many as keep height and width, over the stride, the odd
            one at the end, ``same_lower`` at the start.
        pads: zeros above, below, left and right, beside ``valid``.
        stride: rows and columns from one window to the next, at least 1.
        dilation: rows and columns from one tap to the next, at least 1.
        groups: of channels that do not meet; divides the channels and the filters.
        implementation: ``plain`` or ``fused``; by default fused.

    Returns:
        One number for each place of the window and each filter.

    Raises:
        ValueError: channels, filters and groups do not fit; a stride or dilation is below 1; pads are negative or not
            four, or stand beside another padding than ``valid``; no window fits.

    Source: LeCun, Bottou, Bengio and Haffner 1998, section II; Goodfellow, Bengio and Courville 2016, section 9.1.
    """
    pairs = _checked("convolution_2d", x, kernel, padding, pads, stride, dilation, groups)
    return _convolution(x, kernel, bias, pairs, stride, dilation, groups, implementation)


def _convolution(
    x: Array,
    kernel: Array,
    bias: Array | None,
    pads: list[tuple[int, int]],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
    implementation: Implementation | None,
) -> Array:
    """The sum over the window, in one of the two implementations."""

    def plain(x: Array, kernel: Array) -> Array:
        return of_patches(jnp.pad(x, [(0, 0), *pads, (0, 0)]), kernel, stride, dilation, groups)

    def by_taps(x: Array, kernel: Array) -> Array:
        padded = jnp.pad(x, [(0, 0), *pads, (0, 0)])
        one = over_taps if groups > 1 else of_one_channel
        return one(padded, kernel, stride, dilation)

    def by_blocks(x: Array, kernel: Array) -> Array:
        return of_blocks(jnp.pad(x, [(0, 0), *pads, (0, 0)]), kernel, stride)

    def library(x: Array, kernel: Array) -> Array:
        return jax.lax.conv_general_dilated(
            x, kernel, stride, pads, rhs_dilation=dilation, dimension_numbers=LAYOUTS[len(stride)],
            feature_group_count=groups,
        )  # fmt: skip

    few_taps = kernel.shape[-2] == 1 and math.prod(kernel.shape[:-2]) <= MOST_TAPS
    fused = by_taps if few_taps else library
    if implementation == "plain":
        y = plain(x, kernel)
    elif groups == 1 and kernel.shape[-2] <= FEW_CHANNELS and divides(stride, kernel.shape[:-2], dilation):
        y = jax.lax.platform_dependent(x, kernel, cpu=by_blocks, default=fused)
    else:
        y = fused(x, kernel)
    return with_bias(y, bias)


def _checked(
    name: str,
    x: Array,
    kernel: Array,
    padding: PaddingName,
    pads: tuple,
    stride: tuple,
    dilation: tuple,
    groups: int,
) -> list[tuple[int, int]]:
    """The zeros before and after each axis, of a call that is in order."""
    *window, channels, filters = kernel.shape
    axes = len(window)
    check_numbers(name, "stride", stride, axes, 1)
    check_numbers(name, "dilation", dilation, axes, 1)
    check_numbers(name, "pads", pads, 2 * axes, 0)
    if any(pads) and padding != "valid":
        raise ValueError(f"{name}: pads={pads} stand beside padding={padding!r}; use padding='valid'")
    if groups < 1 or x.shape[-1] % groups or filters % groups:
        raise ValueError(
            f"{name}: groups={groups} does not divide {x.shape[-1]} channels of x and {filters} filters; "
            "use a divisor of both"
        )
    if x.shape[-1] != groups * channels:
        of = "" if groups == 1 else f" in each of {groups} groups"
        fix = f"; is it [{', '.join(['window'] * axes)}, filters, channels]?" if x.shape[-1] == filters else ""
        raise ValueError(f"{name}: kernel has {channels} channels{of} but x has {x.shape[-1]}{fix}")
    pairs = []
    for i, (n, k, s, d) in enumerate(zip(x.shape[1:-1], window, stride, dilation, strict=True)):
        total = sum(pads[2 * i : 2 * i + 2])
        if padding != "valid":
            total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        first = {"valid": pads[2 * i], "same": total // 2, "same_lower": total - total // 2}[padding]
        if fitting(n + total, k, s, d) < 1:
            reach = f"{k} taps" if d == 1 else f"{k} taps with dilation {d}, {d * (k - 1) + 1} places,"
            raise ValueError(
                f"{name}: a window of {reach} does not fit into axis {i + 1} of x, {n} long, {total} padded; "
                "pad it, or use a smaller window"
            )
        pairs.append((first, total - first))
    return pairs
