"""Wrong transposed convolutions; each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.mutant import Mutants

MUTANTS = Mutants()
TWO = ("transposed_convolution_2d",)
OF = "transposed-convolution."


def plain(given, *names):
    """The keywords without these."""
    return {k: v for k, v in given.items() if k not in names}


@MUTANTS.each("the axes of a kernel confused, hidden where it is square", f"{OF}kernel-order", operations=TWO)
def exchanges_height_and_width_of_the_stride(f, x, kernel, *rest, **given):
    return f(x, kernel, *rest, **given | {"stride": given.get("stride", (1, 1))[::-1]})


@MUTANTS.each("bias=False in the port", f"{OF}kernel-order")
def leaves_the_bias_out(f, x, kernel, *rest, **given):
    return f(x, kernel, **given)


@MUTANTS.each("padding adds zeros to the input, as it does in a convolution", f"{OF}kernel-order", f"{OF}example")
def pads_the_input_in_place_of_cropping(f, x, kernel, *rest, **given):
    pads = given.get("pads")
    if not pads:
        return f(x, kernel, *rest, **given)
    pairs = [(0, 0), *zip(pads[::2], pads[1::2], strict=True), (0, 0)]
    return f(np.pad(x, pairs), kernel, *rest, **plain(given, "pads"))


@MUTANTS.each(
    "both ends cropped alike, and more only at the end: right where no less is asked there", f"{OF}kernel-order"
)
def crops_at_the_end_at_least_as_much_as_at_the_start(f, x, kernel, *rest, **given):
    pads = given.get("pads") or ()
    more = tuple(max(pads[i], pads[i - 1]) if i % 2 else p for i, p in enumerate(pads))
    return f(x, kernel, *rest, **given | ({"pads": more} if pads else {}))


@MUTANTS.each(
    "the output padding counted from where the next window would begin, right where the last one reaches so far",
    f"{OF}kernel-order",
)
def counts_the_output_padding_from_the_next_window(f, x, kernel, *rest, **given):
    if not given.get("output_padding") or given.get("padding") == "same":
        return f(x, kernel, *rest, **given)
    return f(x, kernel, *rest, **given | {"short_window": "filled"})


@MUTANTS.each("the places of the output padding stand before the output", f"{OF}kernel-order", f"{OF}adjoint")
def puts_the_output_padding_at_the_start(f, x, kernel, *rest, **given):
    more = given.get("output_padding")
    if not more or min(more) < 0:
        return f(x, kernel, *rest, **given)
    y = f(x, kernel, *rest, **plain(given, "output_padding"))
    bias = rest[0] if rest else np.zeros(kernel.shape[-1], x.dtype)
    longer = np.pad(y - bias, [(0, 0), *((r, 0) for r in more), (0, 0)])
    return (longer + bias).astype(y.dtype)


@MUTANTS.each(
    "the output padding filled with zeros, though the last windows reach it", f"{OF}kernel-order", f"{OF}adjoint"
)
def fills_the_output_padding_with_the_bias(f, x, kernel, *rest, **given):
    more = given.get("output_padding")
    if not more or min(more) < 0:
        return f(x, kernel, *rest, **given)
    y = f(x, kernel, *rest, **plain(given, "output_padding"))
    bias = rest[0] if rest else np.zeros(kernel.shape[-1], x.dtype)
    return (np.pad(y - bias, [(0, 0), *((0, r) for r in more), (0, 0)]) + bias).astype(y.dtype)


@MUTANTS.each(
    "[window, out, in] taken for [window, in, out], which only runs where both are as long", f"{OF}kernel-order"
)
def exchanges_as_many_channels_as_filters(f, x, kernel, *rest, **given):
    square = kernel.shape[-1] == kernel.shape[-2] > 1
    return f(x, kernel.swapaxes(-1, -2) if square else kernel, *rest, **given)


@MUTANTS.each("height and width of a square kernel exchanged", f"{OF}kernel-order", operations=TWO)
def transposes_a_square_window(f, x, kernel, *rest, **given):
    square = kernel.ndim == 4 and kernel.shape[0] == kernel.shape[1]
    return f(x, kernel.swapaxes(0, 1) if square else kernel, *rest, **given)


@MUTANTS.each("a block of 128 examples, and the first ones again", f"{OF}kernel-order")
def computes_a_block_of_128_examples(f, x, *rest, **given):
    y = f(x[:128], *rest, **given)
    return y[np.arange(len(x)) % 128] if len(x) else f(x, *rest, **given)


@MUTANTS.each("long windows by a transform, which turns them around", f"{OF}kernel-order")
def flips_long_windows(f, x, kernel, *rest, **given):
    long = kernel.ndim == x.ndim and max(kernel.shape[:-2]) > 5
    return f(x, np.flip(kernel, tuple(range(kernel.ndim - 2))) if long else kernel, *rest, **given)


@MUTANTS.each("SAME from the first stride, right for equal ones", f"{OF}same", operations=TWO)
def crops_both_axes_by_the_first_stride(f, x, kernel, *rest, **given):
    y, stride = f(x, kernel, *rest, **given), given.get("stride", (1, 1))
    return np.roll(y, 1, 2) if given.get("padding") == "same" and stride[0] != stride[1] else y


@MUTANTS.each("the gaps of a dilation lost", f"{OF}kernel-order")
def leaves_the_gaps_between_taps_out(f, x, kernel, *rest, **given):
    return f(x, kernel, *rest, **plain(given, "dilation"))


@MUTANTS.each("the odd place cropped at the start", f"{OF}same")
def crops_the_odd_place_at_the_start(f, x, kernel, *rest, **given):
    if given.get("padding") != "same":
        return f(x, kernel, *rest, **given)
    y = f(x, kernel, *rest, **given | {"padding": "valid"})
    lengths = [n * s for n, s in zip(x.shape[1:-1], given.get("stride", (1,) * (x.ndim - 2)), strict=True)]
    starts = [(m - n + 1) // 2 for m, n in zip(y.shape[1:-1], lengths, strict=True)]
    return y[:, *(slice(p, p + n) for p, n in zip(starts, lengths, strict=True))]


@MUTANTS.each("the length of the input in place of its product with the stride", f"{OF}same")
def keeps_the_length_of_the_input(f, x, kernel, *rest, **given):
    y = f(x, kernel, *rest, **given)
    return y[:, *(slice(n) for n in x.shape[1:-1])] if given.get("padding") == "same" else y


@MUTANTS.each("the odd place by the number of taps, without the gaps between them", f"{OF}same")
def crops_by_the_taps_and_not_by_their_reach(f, x, kernel, *rest, **given):
    dilation, stride = given.get("dilation", ()), given.get("stride", (1,) * (x.ndim - 2))
    if given.get("padding") != "same" or max(dilation, default=1) == 1:
        return f(x, kernel, *rest, **given)
    y = f(x, kernel, *rest, **given | {"padding": "valid"})
    starts = [max(k - s, 0) // 2 for k, s in zip(kernel.shape, stride, strict=False)]
    lengths = [n * s for n, s in zip(x.shape[1:-1], stride, strict=True)]
    return y[:, *(slice(p, p + n) for p, n in zip(starts, lengths, strict=True))]


@MUTANTS.each("its weights are those of a layer of its own, not of the convolution", f"{OF}adjoint")
def scales_by_the_overlap(f, x, kernel, *rest, **given):
    ones, taps = np.ones_like(x[..., :1]), np.ones((*kernel.shape[:-2], 1, 1), x.dtype)
    bias = rest[0] if rest else 0
    y = f(x, kernel, **given)
    return (y / np.maximum(f(ones, taps, **given), 1) + bias).astype(x.dtype)


@MUTANTS.each("the average of what overlaps, so that no checkerboard shows", f"{OF}checkerboard")
def divides_by_the_overlap(f, x, kernel, *rest, **given):
    return scales_by_the_overlap(f, x, kernel, *rest, **given)


@MUTANTS.each("the cropped entries are part of the backward pass", f"{OF}gradient", part="_vjp")
def forgets_on_the_way_back_that_it_has_cropped(f, x, kernel, *rest, **given):
    dx, dkernel, *others = f(x, kernel, *rest, **given)
    return (np.roll(dx, 1, 1) if given.get("pads") else dx, dkernel, *others)


@MUTANTS.each("the backward pass crops both ends alike", f"{OF}gradient", part="_vjp")
def moves_the_gradient_where_the_ends_are_cropped_unlike(f, x, kernel, *rest, **given):
    dx, *others = f(x, kernel, *rest, **given)
    pads = given.get("pads") or ()
    return (np.roll(dx, 1, 1) if pads[::2] != pads[1::2] else dx, *others)


@MUTANTS.each("the gaps lost in the backward pass where there is no stride beside them", f"{OF}gradient", part="_vjp")
def takes_the_gradient_of_the_kernel_without_gaps(f, x, kernel, *rest, **given):
    dx, dkernel, *others = f(x, kernel, *rest, **given)
    gaps = max(given.get("dilation", (1,))) > 1 and max(given.get("stride", (1,))) == 1
    return (dx, np.roll(dkernel, 1, 0) if gaps else dkernel, *others)


@MUTANTS.each("the gradient of the kernel is that of a block of 128 examples", f"{OF}gradient", part="_vjp")
def learns_from_a_block_of_128_examples(f, x, kernel, *rest, **given):
    *bias, g = rest
    block = np.arange(len(x)).reshape(-1, *(1,) * (g.ndim - 1)) < 128
    return (f(x, kernel, *rest, **given)[0], *f(x, kernel, *bias, np.where(block, g, 0 * g), **given)[1:])


@MUTANTS.each("the kernel turned in the backward pass, as in a convolution", f"{OF}gradient", part="_vjp")
def turns_the_kernel_on_the_way_back(f, x, kernel, *rest, **given):
    dx, *_ = f(x, np.flip(kernel, tuple(range(kernel.ndim - 2))), *rest, **given)
    return (dx, *f(x, kernel, *rest, **given)[1:])


MUTANTS.each("the bias learns as many times slower as there are places", f"{OF}gradient", part="_vjp")(
    classic.averages_the_gradients_of_the_biases
)


@MUTANTS.each(
    "a running sum over the places in half precision, which stops growing", f"{OF}long-bias-sums", part="_vjp"
)
def adds_the_places_one_after_another_in_their_own_dtype(f, x, kernel, *rest, **given):
    found, g = f(x, kernel, *rest, **given), rest[-1]
    running = np.add.accumulate(g.reshape(-1, g.shape[-1]), 0) if len(found) > 2 and g.size else None
    return found if running is None else (*found[:2], running[-1])


MUTANTS.each("np.nan_to_num at the door", f"{OF}nan")(classic.swallows_nan)


@MUTANTS.each("the default of Flax in a port to PyTorch", f"{OF}default-padding")
def crops_where_nothing_is_said(f, *arrays, **given):
    return f(*arrays, **{"padding": "same"} | given)


@MUTANTS.each("channels repeated or cut off until they fit", f"{OF}channel-error")
def makes_the_channels_fit_the_kernel(f, x, kernel, *rest, **given):
    index = np.arange(kernel.shape[-2]) % x.shape[-1]
    return f(x[..., index], kernel, *rest, **given)


@MUTANTS.each("whatever output padding is taken or cut", f"{OF}output-padding-error")
def takes_any_output_padding(f, x, kernel, *rest, **given):
    if "output_padding" not in given:
        return f(x, kernel, *rest, **given)
    stride = given.get("stride", (1,) * (x.ndim - 2))
    fitting = tuple(min(max(r, 0), s - 1) for r, s in zip(given["output_padding"], stride, strict=True))
    return f(x, kernel, *rest, **given | {"output_padding": fitting})


@MUTANTS.each("a stride below 1 counts as 1", f"{OF}stride-error")
def takes_strides_below_one(f, *arrays, **given):
    return f(*arrays, **given | ({"stride": tuple(max(1, s) for s in given["stride"])} if "stride" in given else {}))
