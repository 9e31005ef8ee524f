"""Wrong dropout, each met in the wild or easily written, and caught by the clause that it names."""

from __future__ import annotations

import itertools

import numpy as np

from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.training.dropout import masked

MUTANTS = Mutants(straight=["dropout", "feature_dropout", "repeated_dropout"])
BOTH = ("dropout", "feature_dropout")
SCALE, SHARE, APART, SEEDS = (f"dropout.{name}" for name in ("scale", "fraction", "independence", "seeds"))
BLIND, AGAIN, SLOPE = (f"dropout.{name}" for name in ("mask-blind", "repeatable", "gradient"))
BY = "dropout.scale-by"
EVAL, ZERO, ONE, RANGE = (f"dropout.{name}" for name in ("eval", "rate-zero", "rate-one", "rate-range"))


def like(y, x):
    return np.asarray(y).astype(x.dtype)


def kept(x, given):
    """Tell what the right one keeps with this seed and rate."""
    return right.dropout(np.ones(x.shape, np.float32), **given | {"train": True}) != 0


# ---- scale and share


@MUTANTS.each("the plain form of the paper, whose evaluation scales", SCALE)
def keeps_without_scaling(correct, x, *, rate, train=True, **given):
    y = correct(x, rate=rate, train=train, **given)
    return like(y * np.float32(1 - rate), x) if train else y


@MUTANTS.each("rate and one less the rate exchanged in the scale alone", SCALE)
def divides_by_the_rate(correct, x, *, rate, train=True, **given):
    y = correct(x, rate=rate, train=train, **given)
    return like(y * np.float32((1 - rate) / rate), x) if train and 0 < rate < 1 else y


@MUTANTS.each("1 - p is computed in float32", SCALE)
def rounds_what_is_kept_to_float32(correct, x, *, rate, train=True, **given):
    y = correct(x, rate=rate, train=train, **given)
    if not train or not 0 < rate < 1:
        return y
    return like(y.astype(np.float64) * (1 - rate) / float(np.float32(1) - np.float32(rate)), x)


@MUTANTS.each("a fast instruction for reciprocals, refined once, is two units off", BY)
def multiplies_by_an_approximate_reciprocal(correct, x, *, rate, train=True, **given):
    y = correct(x, rate=rate, train=train, **given)
    if not train or not 0 < rate < 1:
        return y
    scale = np.float32(1 / (1 - rate))
    for _ in range(2):
        scale = np.nextafter(scale, np.float32(np.inf))
    return like(np.where(y == 0, 0, x * scale), x)


@MUTANTS.each("the forward pass multiplies, and the backward pass divides", BY, part="_vjp")
def divides_in_the_backward_pass(correct, x, g, **given):
    return correct(x, g, **given | {"scale_by": "quotient"})


@MUTANTS.each("the keyword is keep_prob elsewhere", SHARE)
def takes_the_rate_for_what_is_kept(correct, x, *, rate, **given):
    return correct(x, rate=1 - rate if 0 < rate < 1 else rate, **given)


@MUTANTS.each("random numbers of half precision, of 7 bits, are compared with the rate", SHARE)
def draws_in_half_precision(correct, x, *, rate, **given):
    steps = 2**7 if x.dtype.itemsize == 2 else 2**24
    shown = correct(x, rate=np.ceil(rate * steps) / steps, **given)
    return shown if rate in (0, 1) else like(shown * np.float32((1 - np.ceil(rate * steps) / steps) / (1 - rate)), x)


# ---- which entries


@MUTANTS.add("one number drawn for two entries", APART + "[dropout]", "dropout.example")
def drops_whole_pairs(x, **given):
    half = right.dropout(np.ones((*x.shape[:-1], -(-x.shape[-1] // 2)) if x.ndim else (), x.dtype), **given)
    return x * (np.repeat(half, 2, -1)[..., : x.shape[-1]] if x.ndim else half)


@MUTANTS.add("pytorch 198333: four neighbouring channels have one mask", APART + "[dropout]",
             "dropout.example")  # fmt: skip
def drops_four_neighbours(x, **given):
    quarter = right.dropout(np.ones((*x.shape[:-1], -(-x.shape[-1] // 4)) if x.ndim else (), x.dtype), **given)
    return x * (np.repeat(quarter, 4, -1)[..., : x.shape[-1]] if x.ndim else quarter)


@MUTANTS.each("a mask of the shape of one example", APART)
def drops_the_same_of_every_example(correct, x, **given):
    mask = correct(np.ones((1, *x.shape[1:]), x.dtype), **given) if x.ndim and len(x) else np.ones((), x.dtype)
    return x * mask


@MUTANTS.add("a mask of the shape without the last axis: all features of an example alike", APART + "[dropout]",
             "dropout.example")  # fmt: skip
def drops_whole_examples(x, **given):
    return x * right.dropout(np.ones((*x.shape[:-1], 1) if x.ndim else (), x.dtype), **given)


def rearranged(correct, x, order, given):
    """The units of the right mask in another order: ``order`` of the indices, which lie as they are drawn."""
    shape = (x.shape[0], *[1] * (x.ndim - 2), x.shape[-1]) if correct.__name__ == "feature_dropout" else x.shape
    mask = correct(np.ones(shape, x.dtype), **given)
    return x * mask.reshape(-1)[order(np.arange(mask.size).reshape(shape)).reshape(-1)].reshape(shape)


@MUTANTS.each("a vector register of sixteen random numbers is used for two groups", "dropout.distances")
def drops_alike_sixteen_places_apart(correct, x, **given):
    return rearranged(correct, x, lambda i: i - 16 * (i // 16 % 2), given)


@MUTANTS.each("a counter of sixteen bits begins anew", "dropout.distances")
def repeats_after_65536_entries(correct, x, **given):
    return rearranged(correct, x, lambda i: i % 2**16, given)


@MUTANTS.each("an index is taken modulo one less than the length", "dropout.pairs", "dropout.places")
def drops_the_last_feature_with_the_first(correct, x, **given):
    last = max(x.shape[-1] - 1, 1) if x.ndim else 1
    return rearranged(correct, x, lambda i: i - i % (last + 1) + i % (last + 1) % last if x.ndim else i, given)


@MUTANTS.each("a loop that begins at 1", "dropout.places")
def never_drops_the_first_entry(correct, x, *, rate, **given):
    y = np.array(correct(x, rate=rate, **given))
    if rate < 1:
        y.reshape(-1)[:1] = correct(x, **given | {"rate": rate, "train": False}).reshape(-1)[:1] / (1 - rate)
    return y


def drawn_with_bits(bits, up):
    """Random numbers that are multiples of a power of two, compared with the rate, or with what it leaves."""

    def wrong(correct, x, *, rate, **given):
        steps = 2**bits
        coarse = (np.ceil if up else np.floor)(rate * steps) / steps
        shown = correct(x, rate=coarse, **given)
        if coarse in (0, 1) and rate not in (0, 1):
            return like(shown / (1 - rate), x) if given.get("train", True) else shown
        return shown if rate in (0, 1) or not given.get("train", True) else like(shown * ((1 - coarse) / (1 - rate)), x)

    return wrong


for bits, up, story in (
    (12, False, "random numbers of 12 bits, compared with 1 - p"),
    (12, True, "random numbers of 12 bits, compared with p"),
    (16, True, "random numbers of 16 bits, compared with p"),
):
    drawing = drawn_with_bits(bits, up)
    drawing.__name__ = drawing.__qualname__ = f"draws_{bits}_bits_rounding_{'up' if up else 'down'}"
    MUTANTS.each(story, "dropout.resolution")(drawing)


@MUTANTS.each("the last bit of the seed is lost", SEEDS)
def drops_the_same_at_the_next_seed(correct, x, *, seed, **given):
    return correct(x, seed=seed // 2, **given)


@MUTANTS.each("the seed is kept in sixteen bits", SEEDS)
def keeps_sixteen_bits_of_the_seed(correct, x, *, seed, **given):
    return correct(x, seed=seed % 2**16, **given)


@MUTANTS.each("the mask is drawn in the order of the memory, not of the axes", "dropout.memory")
def draws_in_the_order_of_the_memory(correct, x, **given):
    if x.flags.c_contiguous or x.ndim < 2:
        return correct(x, **given)
    return x * (correct(np.ones(x.shape[::-1], x.dtype), **given).T)


@MUTANTS.each("the seed is taken, and never used", AGAIN)
def ignores_the_seed(correct, x, *, seed, **given):
    return correct(x, seed=0, **given)


@MUTANTS.each("a generator of the whole program is drawn from", AGAIN)
def draws_from_a_global_generator(correct, x, *, seed, calls=itertools.count(), **given):  # noqa: B008
    return correct(x, seed=[seed, next(calls)], **given)


@MUTANTS.each("the smallest numbers are dropped, as in pruning", BLIND)
def drops_the_smallest(correct, x, *, rate, train=True, **given):
    if not train or x.size == 0 or not 0 < rate < 1:
        return correct(x, rate=rate, train=train, **given)
    least = np.nanquantile(np.abs(x).astype(np.float64), rate)
    return np.where(np.abs(x) >= least, like(x / np.float32(1 - rate), x), np.zeros((), x.dtype))


@MUTANTS.each("negative numbers are kept: the mask multiplies behind a maximum", BLIND)
def drops_positive_numbers_alone(correct, x, **given):
    return np.where(x < 0, correct(x, **given | {"rate": 0.0}), correct(x, **given))


# ---- whole features


@MUTANTS.add("entries are dropped where a feature is meant", "feature-dropout.shared")
def drops_single_entries_of_a_feature(x, **given):
    return right.dropout(x, **given)


@MUTANTS.add("layers for one and two axes of places, and of three the entries are dropped", "feature-dropout.shared")
def drops_single_entries_of_volumes(x, **given):
    return right.dropout(x, **given) if x.ndim == 5 else right.feature_dropout(x, **given)


@MUTANTS.add("channels come first in another framework, so places are dropped", "feature-dropout.shared")
def drops_places_and_keeps_features(x, **given):
    return np.moveaxis(right.feature_dropout(np.moveaxis(x, -1, 1), **given), 1, -1)


@MUTANTS.add("one coin for each example", "feature-dropout.shared", APART + "[feature_dropout]")
def drops_all_features_of_an_example(x, **given):
    return x * right.feature_dropout(np.ones((len(x), *[1] * (x.ndim - 1)), x.dtype), **given)


# ---- gradients


@MUTANTS.each("a fresh mask in the backward pass", SLOPE, part="_vjp")
def draws_another_mask_for_the_gradient(correct, x, g, *, seed, **given):
    return correct(x, g, seed=seed + 1, **given)


@MUTANTS.each("the backward pass masks and does not scale", SLOPE, part="_vjp")
def forgets_the_scale_in_the_backward_pass(correct, x, g, *, rate, train=True, **given):
    (slope,) = correct(x, g, rate=rate, train=train, **given)
    return (like(slope * np.float32(1 - rate), x) if train and rate < 1 else slope,)


@MUTANTS.each("the mask is a constant that stops no gradient: straight through", SLOPE, part="_vjp")
def hands_the_gradient_straight_through(correct, x, g, **given):
    return (g,)


@MUTANTS.each("eight cotangents at a time, and nothing for what is left over", "dropout.shapes", part="_vjp")
def forgets_what_is_left_over_of_a_block(correct, x, g, **given):
    (slope,) = correct(x, g, **given)
    rest = x.size % 8
    if rest and x.size > 64:
        slope = slope.copy()
        slope.reshape(-1)[-rest:] = 0
    return (slope,)


# ---- modes and rates


@MUTANTS.each("nobody told it that training is over", EVAL)
def drops_in_evaluation(correct, x, *, train=True, **given):
    return correct(x, train=True, **given)


@MUTANTS.each("inverted in training, and scaled again in evaluation", EVAL)
def scales_in_evaluation(correct, x, *, rate, train=True, **given):
    y = correct(x, rate=rate, train=train, **given)
    return y if train else like(y * np.float32(1 - rate), x)


@MUTANTS.each("in Python `rate or 0.5` is 0.5 for 0", ZERO)
def takes_a_rate_of_0_for_none(correct, x, *, rate, **given):
    return correct(x, rate=rate or 0.5, **given)


@MUTANTS.each("0 times 1/0", ONE, operations=BOTH)
def divides_by_nothing_at_the_rate_1(correct, x, *, rate, train=True, **given):
    y = correct(x, rate=rate, train=train, **given)
    return np.full_like(x, np.nan) if train and rate == 1 else y


@MUTANTS.each("the gradient of 1/0 behind a mask", ONE, operations=BOTH, part="_vjp")
def has_a_gradient_of_nan_at_the_rate_1(correct, x, g, *, rate, train=True, **given):
    return (np.full_like(x, np.nan),) if train and rate == 1 else correct(x, g, rate=rate, train=train, **given)


@MUTANTS.each("a rate out of range is brought into it in silence", RANGE)
def clips_the_rate(correct, x, *, rate, **given):
    return correct(x, rate=float(np.clip(np.nan_to_num(rate), 0, 1)), **given)


# ---- a layer that is called twice


@MUTANTS.add("a key that is used twice, or compiled in as a constant", "repeated-dropout.independent")
def draws_the_same_mask_at_every_call(x, **given):
    first, _ = right.repeated_dropout(x, **given)
    return first, first


@MUTANTS.add("the second mask is the opposite of the first", "repeated-dropout.independent", "repeated-dropout.value")
def drops_what_the_first_call_kept(x, *, rate, **given):
    first, _ = right.repeated_dropout(x, rate=rate, **given)
    return first, first if rate == 1 else masked(x, first == 0, rate)


@MUTANTS.add("the first call leaves the layer in evaluation", "repeated-dropout.value")
def drops_at_the_first_call_alone(x, **given):
    return right.repeated_dropout(x, **given)[0], x


@MUTANTS.add("one mask is kept for the backward pass, that of the last call", "repeated-dropout.gradient", part="_vjp")
def keeps_the_mask_of_the_last_call(x, g, **given):
    zeros = np.zeros_like(x)
    total = like(g[0].astype(np.float64) + g[1], x)
    return right.repeated_dropout_vjp(x, (zeros, total), **given)


@MUTANTS.add("the gradient of the last call replaces that of the first", "repeated-dropout.gradient", part="_vjp")
def keeps_the_gradient_of_the_last_call(x, g, **given):
    return right.repeated_dropout_vjp(x, (np.zeros_like(x), g[1]), **given)


@MUTANTS.add("the rate 1 gives NaN at the second call", ONE + "[repeated_dropout]")
def gives_nan_at_the_rate_1(x, *, rate, **given):
    first, second = right.repeated_dropout(x, rate=rate, **given)
    return first, np.full_like(second, np.nan) if rate == 1 else second
