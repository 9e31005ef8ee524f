"""Wrong poolings; each caught by the clause that it names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ml_dtypes import finfo

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.architectures.convolutional import pooling as oracle

MUTANTS = Mutants(straight=["average_pool", "global_average_pool", "max_pool"])
SIZES = ("window", "stride", "padding", "pads", "ceil_mode")


def both(
    story: str, aspect: str, *others: str, part: str = "", mutants: Mutants = MUTANTS
) -> Callable[[Callable], Callable]:
    """A mutant of either pooling, caught by a clause that each has of its own."""

    def bind(wrong: Callable) -> Callable:
        for name in ("max-pool", "average-pool"):
            mutants.each(story, f"{name}.{aspect}", *others, part=part)(wrong)
        return wrong

    return bind


def plan_of(x, given):
    return oracle.planned(x, **{name: value for name, value in given.items() if name in SIZES})


def widened(x):
    """Half precision in float32, so that only the named fault shows."""
    return x.astype(np.float32) if x.dtype.itemsize == 2 else x


# ---- values


@both("one stride is used for both axes", "value")
def takes_the_first_stride_for_both_axes(f, x, **given):
    return f(x, **given | ({"stride": given["stride"][:1] * 2} if given.get("stride") else {}))


@both("windows handed over as (x, y), right for square ones", "value")
def exchanges_height_and_width_of_the_window(f, x, **given):
    return f(x, **given | {"window": given["window"][::-1]})


@both("a window that is three long: it slides over the channels, too", "value")
def mixes_neighbouring_channels(f, x, **given):
    y = f(x, **given)
    return np.maximum(y, np.roll(y, 1, -1)) if y.shape[-1] > 1 else y


@MUTANTS.each("absmax pooling: the entry that is furthest from zero", "max-pool.value", "pool.example")
def takes_the_entry_of_largest_magnitude(f, x, **given):
    high, low = f(x, **given), -f(-x, **given)
    return np.where(-low > high, low, high)


@MUTANTS.each("pads handed over from the last axis on, as torch.nn.functional.pad", "max-pool.value")
def exchanges_the_pads_of_height_and_width(f, x, **given):
    pads = given.get("pads") or ()
    fits = len(pads) == 4 and min(pads) >= 0 and max(pads) < min(given["window"])
    return f(x, **given | ({"pads": pads[2:] + pads[:2]} if fits else {}))


@MUTANTS.each(
    "padding=(before, before), and what is missing at the end: right where no less is asked there", "max-pool.value"
)
def pads_at_the_end_at_least_as_much_as_at_the_start(f, x, **given):
    pads = given.get("pads") or ()
    if len(pads) != 4 or min(pads) < 0:
        return f(x, **given)
    more = tuple(max(pads[i], pads[i - 1]) if i % 2 else p for i, p in enumerate(pads))
    return f(x, **given | {"pads": more})


@MUTANTS.each("the same of a mean", "average-pool.count-pads")
def pads_the_end_of_a_mean_at_least_as_much_as_its_start(f, x, **given):
    return pads_at_the_end_at_least_as_much_as_at_the_start(f, x, **given)


@MUTANTS.each("sum pooling: a convolution of ones", "average-pool.value", "pool.example")
def adds_and_does_not_divide(f, x, **given):
    return f(x, **given) * x.dtype.type(np.prod(given["window"]))


@MUTANTS.each("the median, which is more robust", "average-pool.value")
def takes_the_median(f, x, **given):
    return np.median(plan_of(x, given).read(widened(x), 0), -1).astype(x.dtype)


# ---- lengths and padding


@MUTANTS.each("the last window may always stick out: cover_all of Chainer", "pool.length", "pool.example")
def rounds_the_number_of_windows_up(f, x, **given):
    return f(x, **given | {"ceil_mode": True})


@MUTANTS.each("ceil_mode is dropped in an export", "pool.length", "pool.example")
def rounds_the_number_of_windows_down(f, x, **given):
    return f(x, **{name: value for name, value in given.items() if name != "ceil_mode"})


@MUTANTS.each("the formula of the length without its + 1", "pool.length")
def loses_the_last_window(f, x, **given):
    y = f(x, **given)
    return y[:, *(slice(None, -1) if n > 1 else slice(None) for n in y.shape[1:-1])]


@MUTANTS.each("rounding up adds a window that begins behind the input: pytorch 36977", "pool.length")
def keeps_a_window_behind_the_input(f, x, **given):
    y = f(x, **given)
    if not given.get("ceil_mode"):
        return y
    plan = plan_of(x, given)
    axes = zip(x.shape[1:3], plan.pads, plan.window, plan.stride, plan.counts, strict=True)
    more = [int(np.ceil((n + sum(pair) - k) / s)) + 1 - count for n, pair, k, s, count in axes]
    return np.pad(y, [(0, 0), *((0, n) for n in more), (0, 0)], constant_values=np.nan)


@MUTANTS.each("the odd place lies before the input: SAME_LOWER of ONNX taken for SAME", "pool.same")
def puts_the_odd_place_at_the_start(f, x, **given):
    return f(x, **given | ({"padding": "same_lower"} if given.get("padding") == "same" else {}))


@MUTANTS.each("SAME_UPPER of ONNX taken for SAME_LOWER", "pool.same-lower")
def puts_the_odd_place_of_same_lower_at_the_end(f, x, **given):
    return f(x, **given | ({"padding": "same"} if given.get("padding") == "same_lower" else {}))


@MUTANTS.each("SAME of TensorFlow ported as padding=k//2 of PyTorch: off by one entry with a stride", "pool.same")
def pads_half_the_window_on_either_side(f, x, **given):
    if given.get("padding") != "same":
        return f(x, **given)
    return f(x, **given | {"padding": "valid", "pads": tuple(k // 2 for k in given["window"] for _ in (0, 1))})


@MUTANTS.each("a window is never larger than the image", "pool.same", "pool.same-lower")
def cuts_a_window_to_the_image(f, x, **given):
    if given.get("padding", "valid") == "valid":
        return f(x, **given)
    cut = tuple(min(k, n) for k, n in zip(given["window"], x.shape[1:3], strict=True))
    return f(x, **{"stride": given["window"]} | given | {"window": cut})


@MUTANTS.each("np.pad, then a pooling without padding", "max-pool.padding", "pool.example")
def pads_with_zeros(f, x, **given):
    return plan_of(x, given).read(x, 0).max(-1)


@MUTANTS.each("a start from zero, right after ReLU", "max-pool.padding", "max-pool.value")
def starts_the_maximum_from_zero(f, x, **given):
    return np.maximum(f(x, **given), x.dtype.type(0))


def full(x, given):
    """The right divisor of each window over one that counts what sticks out beyond the padded input."""
    plan, told = plan_of(x, given), given.get("count_pads") == "counted"
    n = plan.counted(np.float64, pads=told).sum(-1)
    sticking = np.prod(plan.window) - plan.counted(np.float64, pads=True).sum(-1)
    return (n / (n + sticking)).astype(x.dtype)


@MUTANTS.each("the last window by its full size: onnxruntime 16203, tract 2851", "average-pool.sticking-out")
def divides_the_last_window_by_its_full_size(f, x, **given):
    return f(x, **given) * full(x, given)


@MUTANTS.each(
    "a compiled backward pass divides the last window by its full size: pytorch 198119",
    "average-pool.sticking-out", "average-pool.gradient", part="_vjp",
)  # fmt: skip
def divides_the_last_window_by_its_full_size_in_the_backward_pass(f, x, g, **given):
    return f(x, g * full(x, given), **given)


@MUTANTS.each("the divisor computed once, in the middle of the image", "average-pool.count-pads", part="_vjp")
def counts_the_padding_in_the_backward_pass_alone(f, x, g, **given):
    other = "counted" if given.get("count_pads", "left-out") == "left-out" else "left-out"
    return f(x, g, **given | {"count_pads": other})


# ---- gradients


@MUTANTS.each("the cotangent is assigned and not added: Flux 1197", "max-pool.gradient", part="_vjp")
def hands_a_winner_its_cotangent_once(f, x, g, **given):
    plan = plan_of(x, given)
    parts = g[..., None] * oracle.shares(plan.read(x, -np.inf), given.get("tie_share", "first")).astype(x.dtype)
    total = np.zeros((len(x), *plan.spans, x.shape[-1]), x.dtype)
    for i, place in enumerate(plan.places()):
        total[place] = np.where(parts[..., i] != 0, parts[..., i], total[place])
    return (total[plan.inside],)


@MUTANTS.each("an upsampling in the place of the backward pass", "max-pool.gradient", "max-pool.tie", part="_vjp")
def hands_the_cotangent_to_the_whole_window(f, x, g, **given):
    plan = plan_of(x, given)
    return (plan.handed_back(x, np.broadcast_to(g[..., None], plan.read(x, 0).shape)).astype(x.dtype),)


@both("what is cut off with the padding is cut off at the other end, too", "gradient", part="_vjp")
def moves_the_gradient_by_the_pads(f, x, g, **given):
    (dx,) = f(x, g, **given)
    before = [pair[0] for pair in plan_of(x, given).pads]
    return (np.roll(dx, before, (1, 2)),)


@both("the gradient comes back with height and width exchanged, right for square images", "gradient", part="_vjp")
def exchanges_height_and_width_in_the_backward_pass(f, x, g, **given):
    (dx,) = f(x, g, **given)
    return (dx.swapaxes(1, 2).reshape(dx.shape),)


@MUTANTS.each("the mean in the forward pass, the sum in the backward pass", "average-pool.gradient", part="_vjp")
def does_not_divide_in_the_backward_pass(f, x, g, **given):
    return f(x, g * g.dtype.type(np.prod(given["window"])), **given)


@MUTANTS.each("the mask x == max(x), times the cotangent", "max-pool.tie", part="_vjp")
def hands_the_whole_cotangent_to_every_largest_entry(f, x, g, **given):
    plan = plan_of(x, given)
    read = plan.read(x, -np.inf)
    return (plan.handed_back(x, g[..., None] * (read == read.max(-1, keepdims=True)).astype(x.dtype)),)


@MUTANTS.each("strictly larger than all others, or nothing", "max-pool.tie", part="_vjp")
def gives_nothing_in_a_tie(f, x, g, **given):
    plan = plan_of(x, given)
    read = plan.read(x, -np.inf)
    winners = read == read.max(-1, keepdims=True)
    alone = winners & (winners.sum(-1, keepdims=True) == 1)
    return (plan.handed_back(x, g[..., None] * alone.astype(x.dtype)),)


# ---- the whole map, half precision, and the normalization


@MUTANTS.each("np.sum in the place of np.mean", "global-average-pool.value")
def adds_the_whole_map(f, x):
    return f(x) * x.dtype.type(x.shape[1] * x.shape[2])


@MUTANTS.each("global max pooling, its neighbour in every library", "global-average-pool.value")
def takes_the_largest_of_the_map(f, x):
    return x.max((1, 2))


@MUTANTS.each("the axes of channels first: the mean over width and channels", "global-average-pool.value")
def averages_over_the_channels(f, x):
    return np.broadcast_to(f(x).mean(-1, keepdims=True), (len(x), x.shape[-1])).astype(x.dtype)


@MUTANTS.each("every place gets the whole cotangent", "global-average-pool.gradient", part="_vjp")
def hands_back_the_whole_cotangent(f, x, g):
    (dx,) = f(x, g)
    return (dx * dx.dtype.type(x.shape[1] * x.shape[2]),)


@MUTANTS.each("an accumulator in half precision", "pool.half-precision")
def adds_in_half_precision(f, x, **given):
    if x.dtype.itemsize > 2:
        return f(x, **given)
    window = given.get("window", x.shape[1:3])
    read = plan_of(x, {"window": window, "stride": window} | given).read(x, 0)
    y = np.add.accumulate(read, -1)[..., -1] / x.dtype.type(read.shape[-1])
    return y.astype(x.dtype) if given else y[:, 0, 0].astype(x.dtype)


@MUTANTS.each("the bias of TensorFlow's default", "local-response-normalization.alpha-share")
def takes_1_for_k(f, x, **given):
    return f(x, **given | {"k": 1.0})


@MUTANTS.each("sums over places in the place of channels", "local-response-normalization.alpha-share")
def sums_over_the_columns(f, x, **given):
    return f(x.swapaxes(2, 3), **given).swapaxes(2, 3)


@MUTANTS.each("depth_radius of TensorFlow taken for the size", "local-response-normalization.alpha-share")
def takes_the_size_for_the_radius(f, x, **given):
    return f(x, **given | {"size": 2 * given["size"] + 1})


@MUTANTS.each("the denominator taken for a constant", "local-response-normalization.gradient", part="_vjp")
def takes_the_denominator_for_a_constant(f, x, g, **given):
    return (g * oracle.local_response_normalization(x, **given) / x,)


@MUTANTS.each("a size below 1 counts as 1", "local-response-normalization.size-error")
def takes_any_size(f, x, **given):
    return f(x, **given | {"size": max(1, given["size"])})


# ---- NaN, infinity, the default


MUTANTS.each("np.nan_to_num at the door", "pool.nan")(classic.swallows_nan)


@MUTANTS.each("comparisons alone: max(3, NaN) is 3 or NaN, by their order", "pool.nan", operations=("max_pool",))
def drops_nan_as_comparisons_do(f, x, **given):
    return f(np.where(np.isnan(x), np.full((), -np.inf, x.dtype), x), **given)


@MUTANTS.each("a NaN anywhere in an image", "pool.nan")
def spreads_a_nan_over_the_channels(f, x, **given):
    wrong = np.isnan(x).any(-1, keepdims=True)
    return f(np.where(wrong, np.full((), np.nan, x.dtype), x), **given)


@MUTANTS.each("a start from -FLT_MAX: tensorflow 54841", "max-pool.minus-infinity")
def starts_from_the_lowest_finite_number(f, x, **given):
    return np.maximum(f(x, **given), np.full((), finfo(x.dtype).min, x.dtype))


@MUTANTS.each("the default of Flax and ONNX", "pool.default-stride")
def moves_by_one_place_where_no_stride_is_given(f, x, **given):
    return f(x, **{"stride": (1, 1)} | given)


# ---- refusals: what lets a wrong call through


@MUTANTS.each("the window is cut to the image", "pool.no-window")
def shrinks_a_window_that_does_not_fit(f, x, **given):
    fits = x.ndim == 4 and len(given["window"]) == 2 and min(given["window"]) > 0
    cut = {"window": tuple(min(k, n) for k, n in zip(given["window"], x.shape[1:3], strict=False))} if fits else {}
    return f(x, **{"stride": given["window"]} | given | cut)


@MUTANTS.each(
    "integers divided as in C, towards zero: where less is missing than a stride, one window", "pool.no-window"
)
def finds_a_window_where_less_is_missing_than_a_stride(f, x, **given):
    fits = x.ndim == 4 and len(given["window"]) == 2 and min(given["window"]) > 0 and not given.get("pads")
    if not fits or given.get("padding", "valid") != "valid":
        return f(x, **given)
    missing = [max(0, k - n) for k, n in zip(given["window"], x.shape[1:3], strict=True)]
    if any(m >= s for m, s in zip(missing, given.get("stride") or given["window"], strict=True)):
        return f(x, **given)
    return f(np.pad(x, [(0, 0), *((0, m) for m in missing), (0, 0)]), **given)


@MUTANTS.each("pads are cut below the window", "pool.wide-pads")
def cuts_pads_below_the_window(f, x, **given):
    pads, window = given.get("pads"), given["window"]
    if not pads or len(pads) != 4 or len(window) != 2:
        return f(x, **given)
    return f(x, **given | {"pads": tuple(min(p, window[i // 2] - 1) for i, p in enumerate(pads))})


@MUTANTS.each("a negative pad counts as none", "pool.negative-pads")
def takes_negative_pads_for_none(f, x, **given):
    return f(x, **given | ({"pads": tuple(max(0, p) for p in given["pads"])} if given.get("pads") else {}))


@MUTANTS.each("the axis that is missing is added", "pool.missing-axis")
def adds_a_missing_axis(f, x, **given):
    return f(x[..., None], **given)[..., 0] if x.ndim == 3 else f(x, **given)


@MUTANTS.each("a window below 1 counts as 1, and what is too much is not looked at", "pool.window-error")
def takes_any_window(f, x, **given):
    return f(x, **given | {"window": tuple(max(1, k) for k in given["window"][:2])})


@MUTANTS.each("a stride below 1 counts as 1", "pool.stride-error")
def takes_any_stride(f, x, **given):
    return f(x, **given | ({"stride": tuple(max(1, s) for s in given["stride"])} if given.get("stride") else {}))


@MUTANTS.each("missing numbers are repeated, superfluous ones not looked at", "pool.pads-error")
def makes_the_pads_fit(f, x, **given):
    return f(x, **given | ({"pads": tuple(int(p) for p in np.resize(given["pads"], 4))} if given.get("pads") else {}))


@MUTANTS.each("whatever is no known name pads nothing", "pool.padding-name")
def takes_any_name_for_valid(f, x, **given):
    return f(x, **given if given.get("padding", "valid") in oracle.PADDINGS else given | {"padding": "valid"})
