"""Wrong losses of margins, each a bug that is met in the wild or easily made, caught by the clauses that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.adapters.numpy_oracle.rounding import in_dtype
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.components.losses.margins import handed_out

MUTANTS = Mutants(straight=["hinge", "multiclass_hinge", "triplet"])

# ---- values


@MUTANTS.add("the loss of the perceptron: only a wrong side costs", "hinge.value", "hinge.minimizer")
@in_dtype
def forgets_the_margin(s, y, **how):
    return handed_out(np.maximum(-y * s, 0), **how)


@MUTANTS.add("the sign of the label is turned", "hinge.value", "hinge.minimizer")
@in_dtype
def pushes_to_the_wrong_side(s, y, **how):
    return handed_out(np.maximum(1 + y * s, 0), **how)


@MUTANTS.add("the hinge loss under the other name", "squared-hinge.value", "squared-hinge.minimizer")
def forgets_the_square(s, y, **how):
    return right.hinge(s, y, **how)


@MUTANTS.add("the square is taken before the cut: sure and right decisions cost", "squared-hinge.value")
@in_dtype
def squares_before_the_cut(s, y, **how):
    return handed_out(np.maximum((1 - y * s) ** 2, 0), **how)


@MUTANTS.add("the sum over the rivals, which another framework has", "multiclass-hinge.form")
def sums_over_the_rivals(s, y, **given):
    return right.multiclass_hinge(s, y, **given | {"form": "weston-watkins"})


@MUTANTS.add("the label is its own rival: the loss is never below 1", "multiclass-hinge.form",
             "multiclass-hinge.negative-scores")  # fmt: skip
@in_dtype
def counts_the_label_as_a_rival(s, y, *, form="crammer-singer", **how):
    own = np.take_along_axis(s, y[..., None], -1)
    return handed_out((1 + s - own).max(-1, initial=0), **how)


@MUTANTS.add("the label's score is set to 0 before the largest rival is sought", "multiclass-hinge.negative-scores")
@in_dtype
def sets_the_labels_score_to_0(s, y, *, form="crammer-singer", **how):
    own = np.take_along_axis(s, y[..., None], -1)[..., 0]
    rivals = np.where(np.arange(s.shape[-1]) == y[..., None], 0, s).max(-1)
    return handed_out(np.maximum(1 + rivals - own, 0), **how)


@MUTANTS.add("the label's score from a product with a one-hot label: minus infinity times 0",
             "multiclass-hinge.masked-rival")  # fmt: skip
@in_dtype
def multiplies_by_a_one_hot_label(s, y, *, form="crammer-singer", **how):
    hot = (np.arange(s.shape[-1]) == y[..., None]).astype(s.dtype)
    with np.errstate(invalid="ignore"):
        return handed_out(np.maximum((1 + s - 2 * s.dtype.type(2) ** 10 * hot).max(-1) - (s * hot).sum(-1), 0), **how)


@MUTANTS.add("NaN in the backward pass from a rival of minus infinity", "multiclass-hinge.masked-rival", part="_vjp")
def loses_what_is_masked_on_the_way_back(s, y, g, **given):
    (slope,) = right.multiclass_hinge_vjp(s, y, g, **given)
    return ((slope + 0 * np.where(np.isinf(s), s, 0)).astype(s.dtype),)


@MUTANTS.add("the similarity under the name of a loss: training turns the vectors apart", "cosine-loss.sign",
             "cosine-loss.proper")  # fmt: skip
def gives_the_similarity(a, b, *, sign="distance", **given):
    return right.cosine_loss(a, b, sign="similarity", **given)


@MUTANTS.add("an epsilon is added to the product of the lengths", "cosine-loss.scale")
@in_dtype
def adds_to_the_lengths(a, b, *, sign="distance", zero_vector="zero", **how):
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return handed_out(1 - (a * b).sum(-1) / (lengths + a.dtype.type(1e-3)), **how)


@MUTANTS.add("only the prediction is brought to length 1", "cosine-loss.symmetry", "cosine-loss.scale")
@in_dtype
def leaves_the_target_as_it_is(a, b, *, sign="distance", zero_vector="zero", **how):
    return handed_out(1 - (a * b).sum(-1) / np.linalg.norm(a, axis=-1), **how)


@MUTANTS.add("only the target is brought to length 1: the largest entry takes all", "cosine-loss.proper")
@in_dtype
def leaves_the_prediction_as_it_is(a, b, *, sign="distance", zero_vector="zero", **how):
    return handed_out(1 - (a * b).sum(-1) / np.linalg.norm(b, axis=-1), **how)


@MUTANTS.add("the square of a length overflows or underflows", "cosine-loss.extremes")
@in_dtype
def squares_the_lengths(a, b, *, sign="distance", zero_vector="zero", **how):
    with np.errstate(all="ignore"):
        lengths = np.sqrt((a * a).sum(-1) * (b * b).sum(-1))
        return handed_out(1 - (a * b).sum(-1) / np.maximum(lengths, a.dtype.type(1e-8)), **how)


@MUTANTS.add("0 / 0 for a vector without a direction", "cosine-loss.zero-vector")
def divides_by_a_length_of_0(a, b, *, zero_vector="zero", **given):
    return right.cosine_loss(a, b, zero_vector="nan", **given)


@MUTANTS.add("the distance in place of its square", "triplet.distance")
def takes_the_distance(a, p, n, *, distance="squared", **given):
    return right.triplet(a, p, n, distance="plain", **given)


@MUTANTS.add("a margin of 0 is taken for none, and the default put in its place", "triplet.margin-zero")
def takes_0_for_nothing(a, p, n, *, margin=1.0, **given):
    return right.triplet(a, p, n, margin=margin or 1.0, **given)


@MUTANTS.add("large losses are cut off", "triplet.distance")
@in_dtype
def cuts_off_large_losses(a, p, n, **given):
    return np.minimum(right.triplet(a, p, n, **given), 1e6)


@MUTANTS.add("positive and negative change places", "triplet.distance")
def swaps_positive_and_negative(a, p, n, **given):
    return right.triplet(a, n, p, **given)


@MUTANTS.add("the squared distance from inner products", "triplet.offset")
@in_dtype
def expands_the_square(a, p, n, *, margin=1.0, distance="squared", **how):
    near, far = ((a * a).sum(-1) - 2 * (a * x).sum(-1) + (x * x).sum(-1) for x in (p, n))
    return handed_out(np.maximum(near - far + a.dtype.type(margin), 0), **how)


# ---- gradients


@MUTANTS.each("a mean over the batch where none was asked for", "margins.gradient", part="_vjp")
def averages_the_gradient(f, x, *rest, **given):
    return tuple((g / len(x)).astype(x.dtype) for g in f(x, *rest, **given))


@MUTANTS.each("the gradient of a mean is that of a sum", "margins.gradient", part="_vjp")
def does_not_divide_the_gradient(f, *operands, reduction="none", **given):
    return f(*operands, reduction="sum" if reduction == "mean" else reduction, **given)


@MUTANTS.each("far scores are cut off, and have no gradient", "margins.gradient", operations=("hinge", "squared_hinge"),
              part="_vjp")  # fmt: skip
def cuts_off_far_scores(f, s, *rest, **given):
    return (np.where(np.abs(s) > 100, 0, f(s, *rest, **given)[0]).astype(s.dtype),)


@MUTANTS.add(
    "NaN for a vector without a direction in the backward pass", "cosine-loss.zero-vector-gradient", part="_vjp"
)
def divides_by_a_length_of_0_on_the_way_back(a, b, g, **given):
    nothing = ((a == 0).all(-1) | (b == 0).all(-1))[..., None]
    return tuple(np.where(nothing, np.nan, x).astype(a.dtype) for x in right.cosine_loss_vjp(a, b, g, **given))


@MUTANTS.add("NaN of one example reaches the others, by a sum over the batch", "cosine-loss.zero-vector-gradient",
             part="_vjp")  # fmt: skip
def loses_the_batch_to_one_vector(a, b, g, **given):
    bad = bool((a == 0).all(-1).any())
    return tuple(np.full_like(x, np.nan) if bad else x for x in right.cosine_loss_vjp(a, b, g, **given))


@MUTANTS.add("a floor under the length: a short vector has no gradient along the other", "cosine-loss.extremes",
             part="_vjp")  # fmt: skip
def puts_a_floor_under_the_length(a, b, g, **given):
    slopes = right.cosine_loss_vjp(a, b, g, **given)
    lengths = (np.sqrt((x.astype(np.float64) ** 2).sum(-1, keepdims=True)) for x in (a, b))
    return tuple((d * n / np.maximum(n, 1e-8)).astype(a.dtype) for d, n in zip(slopes, lengths, strict=True))


@MUTANTS.each("uphill", "margins.gradient", part="_vjp")
def points_uphill(f, x, *rest, **given):
    return tuple(-g for g in f(x, *rest, **given))


@MUTANTS.each("the slope is counted twice", "margins.subgradient", part="_vjp")
def counts_the_slope_twice(f, *arrays, **given):
    return tuple(2 * g for g in f(*arrays, **given))


@MUTANTS.add("at the kink the slope of the far side is subtracted", "margins.subgradient[hinge]", part="_vjp")
def is_negative_at_the_kink(s, y, g, **how):
    (slope,) = right.hinge_vjp(s, y, g, **how)
    return (np.where(y * s == 1, g * y, slope).astype(s.dtype),)


@MUTANTS.add("each of several winners is given the whole gradient", "multiclass-hinge.tie-subgradient", part="_vjp")
def gives_each_winner_the_whole(s, y, g, *, form="crammer-singer", **how):
    (slope,) = right.multiclass_hinge_vjp(s, y, g, form=form, **how)
    return (np.where(slope > 0, g[..., None], slope).astype(s.dtype),)


@MUTANTS.add("NaN in the backward pass through a square root of 0", "triplet.coincident", part="_vjp")
def divides_by_a_distance_of_0(a, p, n, g, **given):
    gradients = right.triplet_vjp(a, p, n, g, **given)
    same = ((a == p).all(-1) | (a == n).all(-1))[..., None]
    return tuple(np.where(same, np.nan, x).astype(a.dtype) for x in gradients)


# ---- properties, reductions


@MUTANTS.each("the ramp: a loss that is cut off at 2", "margins.convex")
@in_dtype
def is_cut_off_at_2(f, s, y, *, reduction="none", **given):
    return handed_out(np.minimum(f(s, y, reduction="none", **given), 2), reduction)


@MUTANTS.each("the mean is a sum", "margins.reduction")
def does_not_divide(f, *arrays, reduction="none", **given):
    return f(*arrays, reduction="sum" if reduction == "mean" else reduction, **given)


@MUTANTS.each("a mean where one number for each example was expected", "margins.default-reduction")
def averages_by_default(f, *arrays, reduction="mean", **given):
    return f(*arrays, reduction=reduction, **given)


@MUTANTS.each("0 / 0", "margins.empty-mean")
def divides_by_no_examples(f, *arrays, empty_mean="zero", **given):
    return f(*arrays, empty_mean="nan", **given)


@MUTANTS.add("another default, that of the paper", "triplet.default-margin")
def has_a_margin_of_a_fifth(a, p, n, *, margin=0.2, **given):
    return right.triplet(a, p, n, margin=margin, **given)


MUTANTS.each("80,000 is infinite in float16, and all gradients are 0", "margins.long-sums", part="_vjp")(
    classic.counts_in_half_precision
)


@MUTANTS.each("the backward pass adds up a row in half precision", "margins.long-rows", part="_vjp")
def adds_a_row_in_half_precision_on_the_way_back(f, *arrays, **given):
    return f(*arrays, **given | {"rows": "rounded"})


@MUTANTS.add("the one-hot label compares indices in the dtype of the scores: in bfloat16 1,099 is 1,096",
             "margins.long-rows[multiclass_hinge]")  # fmt: skip
def compares_labels_in_half_precision(s, y, *, form="crammer-singer", rows="wide", **how):
    hot = np.arange(s.shape[-1]).astype(s.dtype) == y[..., None].astype(s.dtype)
    x = s.astype(np.float32)
    own = np.where(hot, x, 0).sum(-1)
    return handed_out(np.maximum(1 + np.where(hot, -np.inf, x).max(-1) - own, 0), **how).astype(s.dtype)


# ---- refusals


@MUTANTS.each("labels 0 and 1 are taken as they are", "margins.labels")
@in_dtype
def takes_any_label(f, s, y, *, empty_mean="zero", reduction="none"):
    return handed_out(np.maximum(1 - y * s, 0) ** (1 if f.__name__ == "hinge" else 2), reduction, empty_mean)


@MUTANTS.add("a negative label counts from the end, and a large one is the last class", "multiclass-hinge.label-range")
def wraps_labels(s, y, **given):
    y = np.minimum(np.where(y < 0, y + s.shape[-1], y), s.shape[-1] - 1)
    return right.multiclass_hinge(s, y, **given)


@MUTANTS.add("a negative margin is taken for 0", "triplet.range")
def takes_a_negative_margin(a, p, n, *, margin=1.0, **given):
    return right.triplet(a, p, n, margin=max(margin, 0.0), **given)


@MUTANTS.add("the length is a constant of the derivative", "cosine-loss.second-derivative", part="_second_derivative")
@in_dtype
def holds_the_length_constant(x, y, v, **given):
    a, b = (z / np.linalg.norm(z, axis=-1, keepdims=True) for z in (x, y))
    cosine, of_a, of_b = ((p * q).sum(-1, keepdims=True) for p, q in ((a, b), (a, v), (b, v)))
    return (a * of_b + cosine * (v - 2 * a * of_a)) / (x * x).sum(-1, keepdims=True)


@MUTANTS.add("the slope is a constant of the derivative's own derivative", "squared-hinge.second-derivative",
             part="_second_derivative")  # fmt: skip
def holds_the_slope_constant(scores, labels, **given):
    return np.zeros_like(scores)


@MUTANTS.add("a parabola on both sides of the margin", "squared-hinge.second-derivative", part="_second_derivative")
def bends_beyond_the_margin(scores, labels, **given):
    return np.full_like(scores, 2)
