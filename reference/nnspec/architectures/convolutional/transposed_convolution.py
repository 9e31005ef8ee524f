r"""Transposed convolution along one axis and along two: every input spreads the kernel over the output.

Both functions take kernels as [window, channels, filters], from the input's channels to the output's. ``plain`` puts
zeros between the inputs and slides the flipped kernel over them; ``fused`` hands the same to XLA's convolution. Where
the stride divides the window, a CPU makes whole blocks of each input and adds them: the gradient for the kernel, for
which XLA has a slow loop there, is then a matrix product as well.
"""

from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from nnspec.architectures.convolutional._blocks import divides, over_blocks
from nnspec.architectures.convolutional._windows import LAYOUTS, Implementation, check_numbers, of_patches, with_bias
from nnspec.checking import checked

__all__ = ["transposed_convolution_1d", "transposed_convolution_2d"]

PaddingName = Literal["valid", "same"]
STATIC = ("padding", "pads", "stride", "dilation", "output_padding", "implementation")


@checked
@partial(jax.jit, static_argnames=STATIC)
def transposed_convolution_1d(
    x: Float[Array, "batch length in_channels"],
    kernel: Float[Array, "window in_channels filters"],
    bias: Float[Array, "filters"] | None = None,
    *,
    padding: PaddingName,
    pads: tuple = (0, 0),
    stride: tuple = (1,),
    dilation: tuple = (1,),
    output_padding: tuple = (0,),
    implementation: Implementation | None = None,
) -> Float[Array, "batch places filters"]:
    r"""Spread every input of a sequence over a window of the output, and add what meets.

    With $W$ = ``kernel``, $b$ = ``bias``, $s$ = ``stride``, $d$ = ``dilation``, $p_0$ the first of ``pads``:
    $y_{j,o} = b_o + \sum_{p,a:\, sp + da - p_0 = j} \sum_i x_{p,i}\, W_{a,i,o}$
    [transposed-convolution.kernel-order][]

    Args:
        x: sequences, any float dtype.
        kernel: weights, from the channels of the input to the filters.
        bias: one number a filter; none is added if it is left out.
        padding: ``valid`` keeps all that is spread, ``same`` as much as gives the length times the stride.
        pads: what is cropped at the start and at the end, beside ``valid``.
        stride: places of the output from one input to the next, at least 1.
        dilation: places of the output from one tap to the next, at least 1.
        output_padding: places added at the end, less than the stride, beside ``valid``.
        implementation: ``plain`` or ``fused``; by default fused.

    Returns:
        One number for each place of the output and each filter.

    Raises:
        ValueError: a stride or dilation is below 1; pads or output padding are negative, or stand beside ``same``; the
            output padding is not below the stride; the pads crop everything.

    Source: Dumoulin and Visin 2016, chapter 4.
    """
    pairs = _checked("transposed_convolution_1d", x, kernel, padding, pads, stride, dilation, output_padding)
    return _transposed(x, kernel, bias, pairs, stride, dilation, implementation)


@checked
@partial(jax.jit, static_argnames=STATIC)
def transposed_convolution_2d(
    x: Float[Array, "batch height width in_channels"],
    kernel: Float[Array, "window_height window_width in_channels filters"],
    bias: Float[Array, "filters"] | None = None,
    *,
    padding: PaddingName,
    pads: tuple = (0, 0, 0, 0),
    stride: tuple = (1, 1),
    dilation: tuple = (1, 1),
    output_padding: tuple = (0, 0),
    implementation: Implementation | None = None,
) -> Float[Array, "batch rows columns filters"]:
    r"""Spread every pixel of an image over a window of the output, and add what meets.

    With $W$ = ``kernel``, $b$ = ``bias``, $s$ = ``stride``, $d$ = ``dilation``, $p_0$ and $q_0$ of ``pads``:
    $y_{j,l,o} = b_o + \sum x_{p,q,i}\, W_{a,c,i,o}$ over all $s_1 p + d_1 a - p_0 = j$, $s_2 q + d_2 c - q_0 = l$
    [transposed-convolution.kernel-order][]

    Args:
        x: images, any float dtype.
        kernel: weights, from the channels of the input to the filters.
        bias: one number a filter; none is added if it is left out.
        padding: ``valid`` keeps all that is spread, ``same`` as much as gives the lengths times the strides.
        pads: what is cropped above, below, left and right, beside ``valid``.
        stride: places of the output from one input to the next, at least 1.
        dilation: places of the output from one tap to the next, at least 1.
        output_padding: rows added below and columns at the right, less than the stride, beside ``valid``.
        implementation: ``plain`` or ``fused``; by default fused.

    Returns:
        One number for each place of the output and each filter.

    Raises:
        ValueError: a stride or dilation is below 1; pads or output padding are negative, or stand beside ``same``; the
            output padding is not below the stride; the pads crop everything.

    Source: Dumoulin and Visin 2016, chapter 4.
    """
    pairs = _checked("transposed_convolution_2d", x, kernel, padding, pads, stride, dilation, output_padding)
    return _transposed(x, kernel, bias, pairs, stride, dilation, implementation)


def _transposed(
    x: Array,
    kernel: Array,
    bias: Array | None,
    pads: list[tuple[int, int]],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    implementation: Implementation | None,
) -> Array:
    """A convolution of the inputs, set apart by zeros, with the flipped kernel, or whole blocks that are added."""
    ones, window = (1,) * len(stride), kernel.shape[:-2]

    def plain(x: Array, kernel: Array) -> Array:
        apart = [(before, after, s - 1) for (before, after), s in zip(pads, stride, strict=True)]
        spread = jax.lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *apart, (0, 0, 0)])
        return of_patches(spread, jnp.flip(kernel, range(len(stride))), ones, dilation, 1)

    def library(x: Array, kernel: Array) -> Array:
        return jax.lax.conv_general_dilated(
            x, jnp.flip(kernel, range(len(stride))), ones, pads, lhs_dilation=stride, rhs_dilation=dilation,
            dimension_numbers=LAYOUTS[len(stride)],
        )  # fmt: skip

    def by_blocks(x: Array, kernel: Array) -> Array:
        whole = over_blocks(x, kernel, stride)
        cropped = [(p - k + 1, q - k + 1, 0) for (p, q), k in zip(pads, window, strict=True)]
        return jax.lax.pad(whole, jnp.zeros((), x.dtype), [(0, 0, 0), *cropped, (0, 0, 0)])

    if implementation == "plain":
        y = plain(x, kernel)
    elif divides(stride, window, dilation):
        y = jax.lax.platform_dependent(x, kernel, cpu=by_blocks, default=library)
    else:
        y = library(x, kernel)
    return with_bias(y, bias)


def _checked(
    name: str,
    x: Array,
    kernel: Array,
    padding: PaddingName,
    pads: tuple,
    stride: tuple,
    dilation: tuple,
    output_padding: tuple,
) -> list[tuple[int, int]]:
    """The zeros before and after the inputs, on each axis, of a call that is in order."""
    window = kernel.shape[:-2]
    axes = len(window)
    check_numbers(name, "stride", stride, axes, 1)
    check_numbers(name, "dilation", dilation, axes, 1)
    check_numbers(name, "pads", pads, 2 * axes, 0)
    check_numbers(name, "output_padding", output_padding, axes, 0)
    if padding == "same" and (any(pads) or any(output_padding)):
        raise ValueError(f"{name}: pads and output_padding stand beside padding='same'; use padding='valid'")
    pairs = []
    for i, (n, k, s, d, r) in enumerate(zip(x.shape[1:-1], window, stride, dilation, output_padding, strict=True)):
        if r >= s:
            raise ValueError(f"{name}: output_padding={tuple(output_padding)} has {r}, expected less than stride {s}")
        reach = d * (k - 1)
        if padding == "same":
            first = max(reach + 1 - s, 0) // 2
            last = (n - 1) * s + reach + 1 - first - n * s  # what is cropped at the end, or added if it is negative
        else:
            first, last = pads[2 * i], pads[2 * i + 1] - r
        if (n - 1) * s + reach + 1 - first - last < 1:
            raise ValueError(f"{name}: pads={tuple(pads)} crop all {(n - 1) * s + reach + 1} places of axis {i + 1}")
        pairs.append((reach - first, reach - last))
    return pairs
