"""Wrong convolutions; each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.architectures.convolutional import convolution as oracle

MUTANTS = Mutants()
TWO = ("convolution_2d",)


def axes_of(kernel):
    """The axes of a kernel along which its window lies."""
    return tuple(range(kernel.ndim - 2))


def pads_of(kernel, given):
    return given.get("pads") or (0,) * (2 * (kernel.ndim - 2))


# ---- values


@MUTANTS.each(
    "the convolution of mathematics, as numpy.convolve and scipy.signal.convolve",
    "convolution.value",
    "convolution.example",
)
def flips_the_kernel(f, x, kernel, *rest, **given):
    return f(x, np.flip(kernel, axes_of(kernel)), *rest, **given)


@MUTANTS.each("strides handed over as (x, y), right for equal strides", "convolution.value", operations=TWO)
def exchanges_the_strides_of_height_and_width(f, x, kernel, *rest, **given):
    return f(x, kernel, *rest, **given | {"stride": given.get("stride", (1, 1))[::-1]})


@MUTANTS.each("one stride is used for both axes", "convolution.value", operations=TWO)
def takes_the_first_stride_for_both_axes(f, x, kernel, *rest, **given):
    return f(x, kernel, *rest, **given | {"stride": given.get("stride", (1, 1))[:1] * 2})


@MUTANTS.each("dilations handed over as (x, y), right for equal ones", "convolution.value", operations=TWO)
def exchanges_the_dilations_of_height_and_width(f, x, kernel, *rest, **given):
    return f(x, kernel, *rest, **given | {"dilation": given.get("dilation", (1, 1))[::-1]})


@MUTANTS.each("a keyword that an export to another format has lost", "convolution.value", "convolution.example")
def leaves_the_gaps_of_a_dilation_out(f, x, kernel, *rest, **given):
    return f(x, kernel, *rest, **{k: v for k, v in given.items() if k != "dilation"})


@MUTANTS.each("bias=False in the port, as before a batch normalization", "convolution.value")
def forgets_the_bias(f, x, kernel, *rest, **given):
    return f(x, kernel, **given)


@MUTANTS.each("pads read as (end, start)", "convolution.value")
def exchanges_the_pads_of_start_and_end(f, x, kernel, *rest, **given):
    pads = pads_of(kernel, given)
    swapped = tuple(p for pair in zip(pads[1::2], pads[::2], strict=True) for p in pair)
    return f(x, kernel, *rest, **given | {"pads": swapped})


@MUTANTS.each("pads read from the last axis on, as torch.nn.functional.pad", "convolution.value", operations=TWO)
def exchanges_the_pads_of_height_and_width(f, x, kernel, *rest, **given):
    pads = pads_of(kernel, given)
    return f(x, kernel, *rest, **given | {"pads": pads[2:] + pads[:2]})


@MUTANTS.each("padding_mode='replicate' taken over from an image library", "convolution.value")
def repeats_the_edge_in_place_of_zeros(f, x, kernel, *rest, **given):
    pads = pads_of(kernel, given)
    if len(pads) != 2 * (kernel.ndim - 2) or min(pads) < 0 or x.ndim != kernel.ndim:
        return f(x, kernel, *rest, **given)
    pairs = [(0, 0), *zip(pads[::2], pads[1::2], strict=True), (0, 0)]
    return f(np.pad(x, pairs, mode="edge"), kernel, *rest, **given | {"pads": None})


@MUTANTS.each(
    "padding=(before, before), and what is missing at the end: right where no less is asked there", "convolution.value"
)
def pads_at_the_end_at_least_as_much_as_at_the_start(f, x, kernel, *rest, **given):
    pads = pads_of(kernel, given)
    fits = len(pads) == 2 * (kernel.ndim - 2) and min(pads) >= 0
    more = tuple(max(pads[i], pads[i - 1]) if i % 2 else p for i, p in enumerate(pads)) if fits else pads
    return f(x, kernel, *rest, **given | {"pads": more})


@MUTANTS.each("a block of 128 examples, and the first ones again: tensorflow 22095 and 30975", "convolution.value")
def computes_a_block_of_128_examples(f, x, *rest, **given):
    y = f(x[:128], *rest, **given)
    return y[np.arange(len(x)) % 128] if len(x) else y


def reach_of(kernel, given):
    """What a window reaches over along each axis, and the strides."""
    one = (1,) * (kernel.ndim - 2)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel.shape, given.get("dilation", one), strict=False)]
    return reach, given.get("stride", one)


@MUTANTS.each(
    "a strided slice from the middle of what each stride covers, where the window is shorter than that",
    "convolution.value",
)
def centres_windows_that_are_shorter_than_the_stride(f, x, kernel, *rest, **given):
    if given.get("padding", "valid") != "valid" or any(pads_of(kernel, given)) or min(given.get("stride", (1,))) < 1:
        return f(x, kernel, *rest, **given)
    moves = [max(0, (s - reach) // 2) for reach, s in zip(*reach_of(kernel, given), strict=True)]
    return f(np.roll(x, [-m for m in moves], tuple(range(1, x.ndim - 1))), kernel, *rest, **given)


@MUTANTS.each("a kernel of its own for one filter a channel, which is that of mathematics", "convolution.value")
def flips_a_kernel_of_one_filter_a_channel(f, x, kernel, *rest, **given):
    alone = given.get("groups", 1) == kernel.shape[-1] > 1
    return f(x, np.flip(kernel, axes_of(kernel)) if alone else kernel, *rest, **given)


@MUTANTS.each("windows centred on the entries of the input, as filters of images are", "convolution.example")
def keeps_the_length_whatever_the_padding(f, x, kernel, *rest, **given):
    return f(x, kernel, *rest, **given | {"padding": given.get("padding") if any(pads_of(kernel, given)) else "same"})


# ---- padding by name


@MUTANTS.each("the odd zero stands before the input: SAME_LOWER of ONNX taken for SAME", "convolution.same")
def puts_the_odd_zero_at_the_start(f, x, kernel, *rest, **given):
    lower = {"padding": "same_lower"} if given.get("padding") == "same" else {}
    return f(x, kernel, *rest, **given | lower)


@MUTANTS.each("SAME_UPPER of ONNX taken for SAME_LOWER", "convolution.same-lower")
def puts_the_odd_zero_of_same_lower_at_the_end(f, x, kernel, *rest, **given):
    upper = {"padding": "same"} if given.get("padding") == "same_lower" else {}
    return f(x, kernel, *rest, **given | upper)


@MUTANTS.each(
    "SAME of TensorFlow ported as padding=k//2 of PyTorch: equal without a stride, off by one entry with one",
    "convolution.same-strided",
)
def pads_half_the_window_on_either_side(f, x, kernel, *rest, **given):
    if given.get("padding") != "same" or not given.get("stride"):
        return f(x, kernel, *rest, **given)
    dilation = given.get("dilation", (1,) * len(axes_of(kernel)))
    halves = [d * (k - 1) // 2 for k, d in zip(kernel.shape, dilation, strict=False)]
    pads = tuple(p for half in halves for p in (half, half))
    return f(x, kernel, *rest, **given | {"padding": "valid", "pads": pads})


@MUTANTS.each("a window is never larger than the image", "convolution.same", "convolution.same-lower")
def cuts_a_window_to_the_image(f, x, kernel, *rest, **given):
    if given.get("padding") not in ("same", "same_lower"):
        return f(x, kernel, *rest, **given)
    cut = tuple(slice(n) for n in x.shape[1 : kernel.ndim - 1])
    return f(x, kernel[cut], *rest, **given)


# ---- lengths


@MUTANTS.each(
    "integers divided as in C, towards zero: where less is missing than a stride, one window", "convolution.no-window"
)
def finds_a_window_where_less_is_missing_than_a_stride(f, x, kernel, *rest, **given):
    pads = pads_of(kernel, given)
    if given.get("padding", "valid") != "valid" or len(pads) != 2 * (kernel.ndim - 2):
        return f(x, kernel, *rest, **given)
    reaches, strides = reach_of(kernel, given)
    missing = [
        max(0, reach - n - p - q) for reach, n, p, q in zip(reaches, x.shape[1:-1], pads[::2], pads[1::2], strict=False)
    ]
    if not any(missing) or any(m >= s for m, s in zip(missing, strides, strict=True)):
        return f(x, kernel, *rest, **given)
    longer = tuple(p + (missing[i // 2] if i % 2 else 0) for i, p in enumerate(pads))
    return f(x, kernel, *rest, **given | {"pads": longer})


@MUTANTS.each("the last window may stick out, as in a pooling with ceil_mode", "convolution.length")
def rounds_the_number_of_windows_up(f, x, kernel, *rest, **given):
    if given.get("padding", "valid") != "valid" or not given.get("stride") or min(pads_of(kernel, given)) < 0:
        return f(x, kernel, *rest, **given)
    pads, more = pads_of(kernel, given), [s - 1 for s in given["stride"]]
    longer = tuple(p + (more[i // 2] if i % 2 else 0) for i, p in enumerate(pads))
    return f(x, kernel, *rest, **given | {"pads": longer})


@MUTANTS.each("the formula of the length without its + 1", "convolution.length")
def loses_the_last_window(f, x, kernel, *rest, **given):
    y = f(x, kernel, *rest, **given)
    return y[:, *(slice(None, -1) if n > 1 else slice(None) for n in y.shape[1:-1])]


# ---- gradients


@MUTANTS.each(
    "the backward pass begins at the far edge, though the stride leaves entries over there: pytorch 25101",
    "convolution.gradient", part="_vjp",
)  # fmt: skip
def takes_the_entries_left_over_from_the_start(f, x, kernel, *rest, **given):
    dx, *others = f(x, kernel, *rest, **given)
    made = dict.fromkeys(("padding", "no_window", "negative_pads"), "refused") | {"padding": "valid", "pads": None}
    made |= {"stride": None, "dilation": None, "groups": 1}
    plan = oracle.planned(x, kernel, **made | given)
    for axis, (n, k, s, d, pair) in enumerate(
        zip(x.shape[1:-1], plan.window, plan.stride, plan.dilation, plan.pads, strict=True), 1
    ):
        dx = np.roll(dx, (n + sum(pair) - d * (k - 1) - 1) % s, axis)
    return (dx, *others)


@MUTANTS.each("the gradient for the input with all groups as one: mlx 3800", "convolution.gradient", part="_vjp")
def mixes_the_groups_on_the_way_back(f, x, kernel, *rest, **given):
    dx, *others = f(x, kernel, *rest, **given)
    groups = given.get("groups", 1)
    mean = dx.reshape(*dx.shape[:-1], groups, -1).mean(-2, keepdims=True)
    mixed = np.broadcast_to(mean, (*dx.shape[:-1], groups, dx.shape[-1] // groups)).reshape(dx.shape)
    return (mixed.astype(dx.dtype), *others)


@MUTANTS.each("no turn of the kernel in the backward pass", "convolution.gradient", part="_vjp")
def does_not_turn_the_kernel_on_the_way_back(f, x, kernel, *rest, **given):
    dx, *_ = f(x, np.flip(kernel, axes_of(kernel)), *rest, **given)
    return (dx, *f(x, kernel, *rest, **given)[1:])


@MUTANTS.each("the gradient of the kernel comes out flipped", "convolution.gradient", part="_vjp")
def flips_the_gradient_of_the_kernel(f, x, kernel, *rest, **given):
    dx, dkernel, *others = f(x, kernel, *rest, **given)
    return (dx, np.flip(dkernel, axes_of(kernel)), *others)


@MUTANTS.each("the gradient of the kernel is that of a block of 128 examples", "convolution.gradient", part="_vjp")
def learns_from_a_block_of_128_examples(f, x, kernel, *rest, **given):
    *bias, g = rest
    block = np.arange(len(x)).reshape(-1, *(1,) * (g.ndim - 1)) < 128
    return (f(x, kernel, *rest, **given)[0], *f(x, kernel, *bias, np.where(block, g, 0 * g), **given)[1:])


@MUTANTS.each(
    "a backward pass by products of matrices, for windows of one: the places between are filled, too",
    "convolution.gradient", part="_vjp",
)  # fmt: skip
def fills_what_the_stride_of_a_single_tap_leaves_out(f, x, kernel, *rest, **given):
    dx, *others = f(x, kernel, *rest, **given)
    if any(k > 1 for k in kernel.shape[:-2]) or any(pads_of(kernel, given)):
        return (dx, *others)
    for axis, s in enumerate(given.get("stride", ()), 1):
        dx = np.take(dx, np.arange(dx.shape[axis]) // s * s, axis)
    return (dx, *others)


@MUTANTS.each(
    "the gaps lost in the backward pass where there is no stride beside them", "convolution.gradient", part="_vjp"
)
def takes_the_gradient_of_the_kernel_without_gaps(f, x, kernel, *rest, **given):
    dx, dkernel, *others = f(x, kernel, *rest, **given)
    if max(given.get("dilation", (1,))) > 1 and max(given.get("stride", (1,))) == 1:
        dkernel = np.roll(dkernel, 1, 0)
    return (dx, dkernel, *others)


@MUTANTS.each("windows that do not overlap take a way of their own", "convolution.gradient", part="_vjp")
def leaves_the_gradient_of_sparse_windows_where_they_would_lie_side_by_side(f, x, kernel, *rest, **given):
    dx, *others = f(x, kernel, *rest, **given)
    reaches, strides = reach_of(kernel, given)
    return (np.roll(dx, -1, 1) if reaches[0] < strides[0] else dx, *others)


@MUTANTS.each(
    "a kernel of its own for one filter a channel, of which nobody wrote the second derivative: pytorch 75219",
    "convolution.second-order", part="_vjp_vjp",
)  # fmt: skip
def has_no_second_order_for_one_filter_a_channel(f, x, kernel, *rest, **given):
    found = f(x, kernel, *rest, **given)
    alone = kernel.shape[-2] == 1 and given.get("groups", 1) > 1
    return tuple(np.zeros_like(g) for g in found) if alone else found


@MUTANTS.each("the second backward pass with all groups as one", "convolution.second-order", part="_vjp_vjp")
def mixes_the_groups_in_the_second_order(f, x, kernel, *rest, **given):
    dx, *others = f(x, kernel, *rest, **given)
    groups = given.get("groups", 1)
    return (np.roll(dx.reshape(*dx.shape[:-1], groups, -1), 1, -2).reshape(dx.shape), *others)


MUTANTS.each("the bias learns as many times slower as there are places", "convolution.gradient", part="_vjp")(
    classic.averages_the_gradients_of_the_biases
)


@MUTANTS.each(
    "a running sum over the places in half precision, which stops growing: BiasAddGrad of TensorFlow in bfloat16",
    "convolution.long-bias-sums", part="_vjp",
)  # fmt: skip
def adds_the_places_one_after_another_in_their_own_dtype(f, x, kernel, *rest, **given):
    found, g = f(x, kernel, *rest, **given), rest[-1]
    running = np.add.accumulate(g.reshape(-1, g.shape[-1]), 0) if len(found) > 2 and g.size else None
    return found if running is None else (*found[:2], running[-1])


@MUTANTS.each("assigned and not added: of overlapping windows the last one wins", "convolution.gradient", part="_vjp")
def forgets_that_windows_overlap(f, x, kernel, *rest, **given):
    _, *others = f(x, kernel, *rest, **given)
    *bias, g = rest
    alone = np.zeros_like(x)
    for at in np.ndindex(g.shape[1:-1]):
        only = np.zeros_like(g)
        only[:, *at] = g[:, *at]
        part = f(x, kernel, *bias, only, **given)[0]
        alone = np.where(part != 0, part, alone)
    return (alone, *others)


# ---- relations


@MUTANTS.each("the layer's activation is part of it", "convolution.linear")
def applies_relu(f, *arrays, **given):
    return np.maximum(f(*arrays, **given), 0)


@MUTANTS.each("the image read from its last row on, as picture files with the origin below", "convolution.matrix")
def reads_the_rows_from_the_last_one(f, x, *rest, **given):
    return f(np.flip(x, 1), *rest, **given)


@MUTANTS.each("channels dealt out to the groups in turn, as mlx.nn.GroupNorm deals them", "convolution.groups")
def deals_the_channels_to_the_groups_in_turn(f, x, kernel, *rest, **given):
    groups = given.get("groups", 1)
    dealt = x.reshape(*x.shape[:-1], -1, groups).swapaxes(-1, -2).reshape(x.shape) if x.shape[-1] % groups == 0 else x
    return f(dealt, kernel, *rest, **given)


@MUTANTS.each("the first filters of all channels, then the second ones", "convolution.depthwise")
def orders_the_filters_of_a_depthwise_convolution_by_number(f, x, kernel, *rest, **given):
    y, groups = f(x, kernel, *rest, **given), given.get("groups", 1)
    if groups != x.shape[-1]:
        return y
    return y.reshape(*y.shape[:-1], groups, -1).swapaxes(-1, -2).reshape(y.shape)


@MUTANTS.each("a window of one tap taken for a factor of each channel", "convolution.pointwise")
def does_not_mix_the_channels_of_a_window_of_one(f, x, kernel, *rest, **given):
    if any(k > 1 for k in kernel.shape[:-2]):
        return f(x, kernel, *rest, **given)
    return f(x, kernel * np.eye(*kernel.shape[-2:], dtype=kernel.dtype), *rest, **given)


@MUTANTS.each("the place of a pixel is added to it, as in CoordConv", "convolution.shift")
def adds_the_place_to_each_entry(f, x, *rest, **given):
    places = np.arange(x.shape[1], dtype=x.dtype).reshape(-1, *(1,) * (x.ndim - 2))
    return f(x + places / 8, *rest, **given)


@MUTANTS.each("taps of zero are skipped to save time", "convolution.nan")
def skips_taps_of_zero(f, x, kernel, *rest, **given):
    if not np.isnan(x).any():
        return f(x, kernel, *rest, **given)
    clean = np.where(np.isnan(x), np.zeros_like(x), x)
    marked = f(np.isnan(x).astype(x.dtype), np.abs(kernel), **given) != 0
    return np.where(marked, np.full((), np.nan, x.dtype), f(clean, kernel, *rest, **given))


@MUTANTS.each("a transform of tiles, Winograd or Fourier: a NaN reaches its whole tile", "convolution.nan")
def spreads_a_nan_over_the_image(f, x, *rest, **given):
    y = f(x, *rest, **given)
    wrong = np.isnan(x).reshape(len(x), -1).any(1).reshape(-1, *(1,) * (y.ndim - 1))
    return np.where(wrong, np.full((), np.nan, y.dtype), y)


MUTANTS.each("np.nan_to_num at the door", "convolution.nan")(classic.swallows_nan)


# ---- the default


@MUTANTS.each("the default of Flax and Haiku in a port to PyTorch", "convolution.default-padding")
def pads_where_nothing_is_said(f, *arrays, **given):
    return f(*arrays, **{"padding": "same"} | given)
