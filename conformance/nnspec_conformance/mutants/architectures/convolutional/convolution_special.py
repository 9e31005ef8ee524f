"""Convolutions that are wrong in a special case alone, for which libraries have code of their own."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.sums import summed

MUTANTS = Mutants()
TWO = ("convolution_2d",)
NAMED = ("same", "same_lower")


def axes_of(kernel):
    return tuple(range(kernel.ndim - 2))


# ---- values


@MUTANTS.each("height and width of a kernel exchanged, hidden where a test has no square one", "convolution.value",
              operations=TWO)  # fmt: skip
def transposes_a_square_window(f, x, kernel, *rest, **given):
    square = kernel.ndim == 4 and kernel.shape[0] == kernel.shape[1]
    return f(x, kernel.swapaxes(0, 1) if square else kernel, *rest, **given)


@MUTANTS.each("the axes of channels and filters exchanged, which only runs where both are as long", "convolution.value")
def exchanges_as_many_channels_as_filters(f, x, kernel, *rest, **given):
    square = kernel.shape[-1] == kernel.shape[-2] > 1 and given.get("groups", 1) == 1
    return f(x, kernel.swapaxes(-1, -2) if square else kernel, *rest, **given)


@MUTANTS.each("long windows by a Fourier transform, which is the convolution of mathematics", "convolution.value")
def flips_long_windows(f, x, kernel, *rest, **given):
    long = kernel.ndim == x.ndim and max(kernel.shape[:-2]) > 5
    return f(x, np.flip(kernel, axes_of(kernel)) if long else kernel, *rest, **given)


@MUTANTS.each("pads that are longer than a window are cut to it", "convolution.value")
def has_no_window_of_padding_alone(f, x, kernel, *rest, **given):
    pads = given.get("pads") or ()
    if len(pads) != 2 * (kernel.ndim - 2) or min(pads) < 0:
        return f(x, kernel, *rest, **given)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel.shape, given.get("dilation", (1, 1)), strict=False)]
    return f(x, kernel, *rest, **given | {"pads": tuple(min(p, reach[i // 2] - 1) for i, p in enumerate(pads))})


@MUTANTS.each("two groups are told by a flag; more of them deal their channels out", "convolution.value")
def deals_the_channels_of_three_groups_in_turn(f, x, kernel, *rest, **given):
    groups = given.get("groups", 1)
    dealt = groups > 2 and x.shape[-1] % groups == 0
    read = x.reshape(*x.shape[:-1], -1, groups).swapaxes(-1, -2).reshape(x.shape) if dealt else x
    return f(read, kernel, *rest, **given)


@MUTANTS.each("a code of its own for one filter a channel, which pads nothing beside a stride", "convolution.value")
def loses_the_padding_of_a_strided_filter_of_one_channel(f, x, kernel, *rest, **given):
    alone = given.get("groups", 1) == x.shape[-1] > 1 and max(given.get("stride", (1,))) > 1
    if not alone or given.get("padding") not in NAMED:
        return f(x, kernel, *rest, **given)
    moved = np.roll(x, 1, tuple(range(1, x.ndim - 1)))
    return f(moved, kernel, *rest, **given)


@MUTANTS.each("SAME from the first stride, right for equal ones", "convolution.same-strided", operations=TWO)
def pads_both_axes_by_the_first_stride(f, x, kernel, *rest, **given):
    stride = given.get("stride", (1, 1))
    if given.get("padding") != "same" or x.ndim != 4 or len(stride) != 2 or stride[0] == stride[1]:
        return f(x, kernel, *rest, **given)
    axes = zip(x.shape[1:3], kernel.shape, given.get("dilation", (1, 1)), stride, strict=False)
    pads: list[int] = []
    for n, k, d, s in axes:
        reached = (-(-n // s) - 1) * s + d * (k - 1) + 1
        total = max((-(-n // s) - 1) * stride[0] + d * (k - 1) + 1 - n, 0)
        pads += [total // 2, max(reached - n - total // 2, 0)]
    return f(x, kernel, *rest, **given | {"padding": "valid", "pads": tuple(pads)})


# ---- gradients


@MUTANTS.each("height and width exchanged in the gradient of a square kernel", "convolution.gradient", operations=TWO,
              part="_vjp")  # fmt: skip
def transposes_the_gradient_of_a_square_window(f, x, kernel, *rest, **given):
    dx, dkernel, *others = f(x, kernel, *rest, **given)
    square = kernel.shape[0] == kernel.shape[1] > 1
    return (dx, dkernel.swapaxes(0, 1) if square else dkernel, *others)


@MUTANTS.each("the zeros of SAME are taken away as if there were no stride", "convolution.gradient", part="_vjp")
def moves_the_gradient_of_same_beside_a_stride(f, x, kernel, *rest, **given):
    dx, *others = f(x, kernel, *rest, **given)
    moved = given.get("padding") in NAMED and max(given.get("stride", (1,))) > 1
    return (np.roll(dx, 1, 1) if moved else dx, *others)


@MUTANTS.each("the zeros of SAME are computed without the gaps in the backward pass", "convolution.gradient",
              part="_vjp")  # fmt: skip
def moves_the_gradient_of_same_beside_gaps(f, x, kernel, *rest, **given):
    dx, *others = f(x, kernel, *rest, **given)
    axis = x.ndim - 2  # the second axis of an image has the gaps
    moved = given.get("padding") in NAMED and max(given.get("dilation", (1,))) > 1
    return (np.roll(dx, 1, axis) if moved else dx, *others)


@MUTANTS.each("a product of matrices for windows of one, of which the transpose is forgotten", "convolution.gradient",
              part="_vjp")  # fmt: skip
def halves_the_gradient_of_single_taps(f, x, kernel, *rest, **given):
    dx, dkernel, *others = f(x, kernel, *rest, **given)
    single = max(kernel.shape[:-2]) == 1 and max(given.get("stride", (1,))) == 1
    return (dx, dkernel / 2 if single else dkernel, *others)


@MUTANTS.each("the gradient of a long window by a transform that wraps around", "convolution.gradient", part="_vjp")
def turns_the_gradient_of_long_windows(f, x, kernel, *rest, **given):
    dx, dkernel, *others = f(x, kernel, *rest, **given)
    return (dx, np.roll(dkernel, 1, 0) if max(kernel.shape[:-2]) > 5 else dkernel, *others)


# ---- long sums in half precision


@MUTANTS.each("a running sum over the inputs in half precision", "convolution.long-sums")
def adds_the_products_in_their_own_dtype(f, x, kernel, *rest, **given):
    whole = x.shape[1:-1] == kernel.shape[:-2] and x.dtype.itemsize == 2 and x.size > 1000  # one window
    if not whole:
        return f(x, kernel, *rest, **given)
    products = x[0].ravel()[:, None].astype(np.float32) * kernel.reshape(-1, kernel.shape[-1]).astype(np.float32)
    return summed(products, 0, narrow=x.dtype).astype(x.dtype).reshape(f(x, kernel, *rest, **given).shape)


@MUTANTS.each("a running sum over the places in half precision: float16 on TensorFlow", "convolution.long-sums",
              part="_vjp")  # fmt: skip
def adds_the_gradient_of_a_kernel_in_its_own_dtype(f, x, kernel, *rest, **given):
    dx, dkernel, *others = f(x, kernel, *rest, **given)
    g = rest[-1]
    if x.dtype not in (DTYPES["float16"], DTYPES["bfloat16"]) or g.size < 1000 or dkernel.size < 2:
        return (dx, dkernel, *others)
    first = (slice(None), *(slice(n) for n in g.shape[1:-1]), 0)  # what the first tap reads of the first channel
    products = (x[first].astype(np.float32) * g[..., 0].astype(np.float32)).ravel()
    wrong = dkernel.copy()
    wrong.reshape(-1)[0] = summed(products, narrow=x.dtype)
    return (dx, wrong, *others)
