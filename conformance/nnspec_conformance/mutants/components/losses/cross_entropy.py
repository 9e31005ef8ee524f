"""Wrong cross-entropies and divergences, each met in the wild, each caught by the clauses that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.adapters.numpy_oracle.rounding import in_dtype
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.components import activations
from nnspec_conformance.oracles.components.losses import cross_entropy as oracle

MUTANTS = Mutants()
FROM_LOGITS = ("softmax_cross_entropy_with_integer_labels", "softmax_cross_entropy")
INTEGER = "softmax_cross_entropy_with_integer_labels"
FROM_PROBABILITIES = ("cross_entropy_with_integer_labels", "cross_entropy", "binary_cross_entropy")


def target_of(y, logits):
    return y if y.ndim == logits.ndim else oracle.one_hot(y, logits.shape[-1], logits.dtype)


# ---- values


@MUTANTS.each("a base-2 logarithm: bits in place of nats", "cross-entropy.value")
def measures_in_bits(f, x, y, *weights, **given):
    return (f(x, y, *weights, **given) / np.log(2)).astype(x.dtype)


@MUTANTS.each("log-probabilities are summed and never negated", "cross-entropy.value")
def loses_the_sign(f, x, y, *weights, **given):
    return -f(x, y, *weights, **given)


@MUTANTS.each("probabilities are handed to a loss of logits, and softmax is applied twice", "cross-entropy.value",
              "cross-entropy.proper", operations=FROM_LOGITS)  # fmt: skip
def applies_softmax_twice(f, x, y, *weights, **given):
    return f(activations.softmax(x.astype(np.float32)).astype(x.dtype), y, *weights, **given)


@MUTANTS.each("the squared error of the softmax, which is not convex", "cross-entropy.convex", "cross-entropy.value",
              operations=FROM_LOGITS)  # fmt: skip
@in_dtype
def squares_the_error_of_the_softmax(f, x, y, *weights, **given):
    return np.sum((activations.softmax(x) - target_of(y, x)) ** 2, -1)


@MUTANTS.add("the squared error of a sigmoid", "cross-entropy.convex[sigmoid_binary_cross_entropy]")
@in_dtype
def squares_the_error_of_the_sigmoid(x, y, **given):
    return (activations.sigmoid(x) - y) ** 2


@MUTANTS.each("the absolute error of the probability: least at 0 or 1", "cross-entropy.proper",
              operations=("binary_cross_entropy",))  # fmt: skip
@in_dtype
def takes_the_absolute_error(f, x, y, **given):
    return np.abs(x - y)


@MUTANTS.add("the absolute error of the sigmoid: least at 0 or 1", "cross-entropy.proper[sigmoid_binary_cross_entropy]")
@in_dtype
def takes_the_absolute_error_of_the_sigmoid(x, y, **given):
    return np.abs(activations.sigmoid(x) - y)


@MUTANTS.each("one minus the probability of the label", "cross-entropy.proper",
              operations=("cross_entropy_with_integer_labels", "cross_entropy"))  # fmt: skip
@in_dtype
def takes_one_minus_the_probability(f, x, y, **given):
    return 1 - np.sum(x * target_of(y, x), -1)


@MUTANTS.add("the overlap of the distributions, least where they differ", "cross-entropy.proper[kl_divergence]")
@in_dtype
def takes_the_overlap(p, q, **given):
    return np.sum(p * q, -1)


@MUTANTS.each("log-sum-exp with the largest logit added back, minus the logit", "softmax-cross-entropy.offset")
@in_dtype
def subtracts_the_logit_from_a_large_number(f, x, y, *weights, **given):
    m = x.max(-1)
    total = np.log(np.exp(x - m[..., None]).sum(-1)) + m
    t = target_of(y, x)
    return total - np.sum(t * x, -1)


@MUTANTS.each("exponentials without a shift overflow", "cross-entropy.large-logits", operations=FROM_LOGITS)
@in_dtype
def exponentiates_without_a_shift(f, x, y, *weights, **given):
    with np.errstate(all="ignore"):
        return np.log(np.exp(x).sum(-1)) - np.sum(target_of(y, x) * x, -1)


@MUTANTS.add("log of the sigmoid: 0 times infinity for large logits",
             "cross-entropy.large-logits[sigmoid_binary_cross_entropy]")  # fmt: skip
@in_dtype
def takes_the_logarithm_of_a_sigmoid(x, y, **given):
    with np.errstate(all="ignore"):
        p = activations.sigmoid(x)
        return -y * np.log(p) - (1 - y) * np.log(1 - p)


@MUTANTS.add("x (1 - t) plus the loss of the label 1, which cancel where the label is 0 and x is low",
             "sigmoid-binary-cross-entropy.confident")  # fmt: skip
@in_dtype
def subtracts_what_it_added(x, t, **given):
    return (1 - t) * x + (np.log1p(np.exp(-np.abs(x))) + np.maximum(-x, 0))


@MUTANTS.add("the logarithm of 1 plus a small number", "sigmoid-binary-cross-entropy.confident")
@in_dtype
def adds_a_small_number_to_1(x, t, **given):
    return np.maximum(x, 0) - x * t + np.log(1 + np.exp(-np.abs(x)))


@MUTANTS.each("one-hot times log-probability where it is minus infinity", "softmax-cross-entropy.minus-infinity")
@in_dtype
def multiplies_zero_by_infinity(f, x, y, *weights, **given):
    with np.errstate(all="ignore"):
        return -np.sum(target_of(y, x) * activations.log_softmax(x), -1)


@MUTANTS.each("0 times infinity in the backward pass", "softmax-cross-entropy.minus-infinity-gradient", part="_vjp")
def multiplies_zero_by_infinity_on_the_way_back(f, x, *rest, **given):
    dx, *others = f(x, *rest, **given)
    with np.errstate(all="ignore"):
        return (dx + 0 * x, *others)


@MUTANTS.each("minus infinity is replaced by a large number, and gets a gradient",
              "softmax-cross-entropy.minus-infinity-gradient", part="_vjp")  # fmt: skip
def replaces_minus_infinity(f, x, *rest, **given):
    return f(np.maximum(x, x.max(-1, keepdims=True) - 4), *rest, **given)


# ---- smoothing


@MUTANTS.each("the share is spread over the other classes only", "softmax-cross-entropy.smoothing",
              "softmax-cross-entropy.smoothed-minimizer")  # fmt: skip
@in_dtype
def smooths_over_the_other_classes(f, x, y, *weights, label_smoothing=0.0, **given):
    t, classes = target_of(y, x), x.shape[-1]
    t = (1 - label_smoothing) * t + label_smoothing * (1 - t) / (classes - 1)
    return -np.sum(oracle.times(t, activations.log_softmax(x)), -1)


@MUTANTS.each("the keyword is taken and not used", "softmax-cross-entropy.smoothing",
              "softmax-cross-entropy.smoothed-minimizer")  # fmt: skip
def does_not_smooth(f, x, y, *weights, label_smoothing=0.0, **given):
    return f(x, y, *weights, **given)


@MUTANTS.each("the weight of one and a half of smoothing is let through", "softmax-cross-entropy.smoothing-range")
@in_dtype
def smooths_by_any_number(f, x, y, *weights, label_smoothing=0.0, **given):
    t = (1 - label_smoothing) * target_of(y, x) + label_smoothing / x.shape[-1]
    return -np.sum(oracle.times(t, activations.log_softmax(x)), -1)


# ---- binary


@MUTANTS.each("the weight multiplies both terms", "binary-cross-entropy.positive-weight")
def weights_both_terms(f, x, y, *, positive_weight=1.0, **given):
    return (positive_weight * f(x, y, **given)).astype(x.dtype)


@MUTANTS.each("the weight multiplies the negative term", "binary-cross-entropy.positive-weight")
def weights_the_negative_term(f, x, y, *, positive_weight=1.0, **given):
    return (positive_weight * f(x, y, **given | {"positive_weight": 1 / positive_weight})).astype(x.dtype)


@MUTANTS.each("the weight is lost in the backward pass", "binary-cross-entropy.positive-weight", part="_vjp")
def forgets_the_positive_weight_on_the_way_back(f, x, y, g, *, positive_weight=1.0, **given):
    return f(x, y, g, **given)


# ---- gradients


@MUTANTS.each("a mean over the batch where none was asked for", "cross-entropy.gradient", part="_vjp")
@MUTANTS.each("a mean over the batch where none was asked for", "cross-entropy.normalization", part="_vjp")
def averages_the_gradient(f, x, *rest, **given):
    return tuple((g / len(x)).astype(x.dtype) for g in f(x, *rest, **given))


@MUTANTS.each("labels minus probabilities: uphill", "cross-entropy.gradient", part="_vjp")
@MUTANTS.each("labels minus probabilities: uphill", "cross-entropy.normalization", part="_vjp")
def points_uphill(f, x, *rest, **given):
    dx, *others = f(x, *rest, **given)
    return (-dx, *others)


@MUTANTS.each("the target is cut off from the computation, and a teacher learns nothing", "cross-entropy.gradient",
              operations=("softmax_cross_entropy", "sigmoid_binary_cross_entropy", "binary_cross_entropy"),
              part="_vjp")  # fmt: skip
def holds_the_target_constant(f, x, *rest, **given):
    dx, *others = f(x, *rest, **given)
    return (dx, *map(np.zeros_like, others))


@MUTANTS.each(
    "the slope is the target over the probability: 0 divided by 0", "cross-entropy.certain-gradient", part="_vjp"
)
def divides_0_by_0(f, p, *rest, **given):
    dp, *others = f(p, *rest, **given)
    return (np.where((p == 0) | (p == 1), np.nan, dp).astype(dp.dtype), *others)


@MUTANTS.each("the slope of the logarithm is multiplied by a target of 0", "cross-entropy.target-slope", part="_vjp")
def multiplies_0_by_the_logarithm(f, p, t, *rest, **given):
    dp, dt, *others = f(p, t, *rest, **given)
    return (dp, np.where((p == t) & ((p == 0) | (p == 1)), np.nan, dt).astype(dt.dtype), *others)


@MUTANTS.each("the first distribution is held constant", "kl-divergence.gradient", part="_vjp")
def holds_the_first_distribution_constant(f, p, q, g, **given):
    dp, dq = f(p, q, g, **given)
    return np.zeros_like(dp), dq


@MUTANTS.add("the slope of p log p without its 1", "kl-divergence.gradient", part="_vjp")
def forgets_the_derivative_of_the_logarithm(p, q, g, **given):
    dp, dq = right.kl_divergence_vjp(p, q, g, **given)
    return (dp - g[..., None], dq) if given.get("direction") != "second-from-first" else (dp, dq - g[..., None])


# ---- second derivatives


@MUTANTS.each("the probabilities are a constant of the gradient", "cross-entropy.second-derivative",
              operations=(*FROM_LOGITS, "sigmoid_binary_cross_entropy"), part="_second_derivative")  # fmt: skip
def holds_the_probabilities_constant(f, x, *rest, **given):
    return np.zeros_like(x)


@MUTANTS.each("the diagonal alone, as if the logits did not share their sum", "cross-entropy.second-derivative",
              operations=FROM_LOGITS, part="_second_derivative")  # fmt: skip
def keeps_the_diagonal_alone(f, x, *rest, **given):
    p = activations.softmax(x)
    return (p * (1 - p) * rest[-1]).astype(x.dtype)


@MUTANTS.each("the slope of 1 / p is taken for 1 / p", "cross-entropy.second-derivative",
              operations=(*FROM_PROBABILITIES, "kl_divergence"), part="_second_derivative")  # fmt: skip
def forgets_a_division(f, p, *rest, **given):
    return (p * f(p, *rest, **given)).astype(p.dtype)


# ---- reductions


@MUTANTS.each("the mean divides by the batch, not by all positions", "cross-entropy.reduction")
def divides_by_the_batch_alone(f, x, y, *weights, reduction="none", **given):
    if reduction != "mean":
        return f(x, y, *weights, reduction=reduction, **given)
    return (f(x, y, *weights, reduction="sum", **given) / len(x)).astype(x.dtype)


@MUTANTS.each("a sum where a mean was asked for", "cross-entropy.reduction")
def adds_up_in_place_of_a_mean(f, x, y, *weights, reduction="none", **given):
    return f(x, y, *weights, reduction="sum" if reduction == "mean" else reduction, **given)


@MUTANTS.each("a mean unless something else is said", "cross-entropy.default-reduction")
def averages_by_default(f, x, y, *weights, reduction="mean", **given):
    return f(x, y, *weights, reduction=reduction, **given)


@MUTANTS.add("the mean of all terms", "kl-divergence.divisor")
def averages_all_terms(p, q, **given):
    return right.kl_divergence(p, q, **given | {"divisor": "elements"})


@MUTANTS.each("the mean over nothing is 0 / 0", "cross-entropy.empty-mean")
def has_no_mean_of_nothing(f, x, y, *weights, **given):
    return f(x, y, *weights, **given | {"empty_mean": "nan"})


# ---- probabilities of 0 and 1


@MUTANTS.each("0 times the logarithm of 0", "cross-entropy.clipping", operations=("cross_entropy",))
@in_dtype
def multiplies_zero_by_the_logarithm_of_zero(f, p, y, **given):
    with np.errstate(all="ignore"):
        return -np.sum(target_of(y, p) * np.log(p), -1)


@MUTANTS.add("0 times the logarithm of 0", "kl-divergence.both-zero")
@in_dtype
def takes_the_logarithm_of_a_ratio_of_zeros(p, q, *, direction="first-from-second", **given):
    p, q = (q, p) if direction == "second-from-first" else (p, q)
    with np.errstate(all="ignore"):
        return np.sum(p * np.log(p / q), -1)


MUTANTS.each("80,000 is infinite in float16, and all gradients are 0", "cross-entropy.long-sums", part="_vjp")(
    classic.counts_in_half_precision
)


MUTANTS.each(
    "the weights of the examples are added up in half precision",
    "cross-entropy.long-sums",
    operations=("softmax_cross_entropy", "sigmoid_binary_cross_entropy", "binary_cross_entropy"),
)(classic.adds_up_weights_in_half_precision)


@MUTANTS.each("the backward pass adds up a row in half precision", "cross-entropy.long-rows", operations=FROM_LOGITS,
              part="_vjp")  # fmt: skip
def adds_a_row_in_half_precision_on_the_way_back(f, *arrays, **given):
    return f(*arrays, **given | {"rows": "rounded"})


def in_the_dtype_of(x, labels):
    """Labels as numbers of the logits' dtype; what is infinite there is the last class."""
    return np.minimum(labels.astype(x.dtype).astype(np.float64), x.shape[-1] - 1).astype(labels.dtype)


@MUTANTS.add("labels are cast to the dtype of the logits", "cross-entropy.large-labels")
def rounds_the_labels(x, y, *weights, **given):
    return right.softmax_cross_entropy_with_integer_labels(x, in_the_dtype_of(x, y), *weights, **given)


@MUTANTS.add("the backward pass casts labels to the dtype of the logits", "cross-entropy.large-labels", part="_vjp")
def rounds_the_labels_on_the_way_back(x, y, *rest, **given):
    return right.softmax_cross_entropy_with_integer_labels_vjp(x, in_the_dtype_of(x, y), *rest, **given)


# ---- refusals


@MUTANTS.each("an index is counted from the end, or cut off at it", "cross-entropy.label-range")
def wraps_the_labels(f, x, y, *weights, **given):
    return f(x, y % x.shape[-1], *weights, **given)


@MUTANTS.each("rows are divided by their sums, whatever they hold", "cross-entropy.improper-probabilities")
def makes_probabilities_of_anything(f, p, y, **given):
    p = np.clip(p, 0, 1)
    return f(p if f.__name__.startswith("binary") else p / p.sum(-1, keepdims=True), y, **given)
