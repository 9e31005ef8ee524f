"""Wrong losses of regression, each met in the wild, each caught by the clauses that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.adapters.numpy_oracle.rounding import in_dtype
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.special import gammaln

MUTANTS = Mutants(straight=["absolute_error"])
WEIGHTED = ("squared_error", "absolute_error", "huber")
POISSON = ("poisson_nll", "poisson_nll_from_rate")
LOSSES = (*WEIGHTED, "smooth_l1", "gaussian_nll", *POISSON)

# ---- values


@MUTANTS.each("twice the loss: a half was dropped with its derivative in mind", "regression.value")
def doubles_the_loss(f, x, *rest, **given):
    return (2 * f(x, *rest, **given)).astype(x.dtype)


@MUTANTS.each("log-likelihoods are summed and never negated", "regression.value",
              operations=("gaussian_nll", *POISSON))  # fmt: skip
def loses_the_sign(f, *arrays, **given):
    return -f(*arrays, **given)


@MUTANTS.add("a kernel compares the signed difference with its threshold", "regression.value[huber]")
@in_dtype
def compares_the_signed_error(x, y, *, delta=1.0, **given):
    d = x - y
    return np.where(d <= delta, d * d / 2, delta * (np.abs(d) - delta / 2))


@MUTANTS.add("the two parts do not meet: the straight line starts at the origin", "regression.value[huber]")
@in_dtype
def jumps_at_delta(x, y, *, delta=1.0, **given):
    d = np.abs(x - y)
    return np.where(d <= delta, d * d / 2, delta * d)


@MUTANTS.add("the Huber loss under the other name, equal to it for 1 only", "regression.value[smooth_l1]")
def forgets_the_division_by_beta(x, y, *, beta=1.0, **given):
    return right.huber(x, y, delta=beta, **{k: v for k, v in given.items() if k != "kink"})


@MUTANTS.add("the square is not divided by beta: mixed from two definitions", "regression.value[smooth_l1]")
@in_dtype
def divides_the_square_by_nothing(x, y, *, beta=1.0, **given):
    d = np.abs(x - y)
    return np.where(d < beta, d * d / 2, d - beta / 2)


@MUTANTS.add("the network's output is taken for the log-variance", "regression.value[gaussian_nll]",
             "regression.proper[gaussian_nll]")  # fmt: skip
def takes_the_variance_for_its_logarithm(x, y, v, **given):
    return right.gaussian_nll(x, y, np.exp(v.astype(np.float32)).astype(v.dtype), **given)


@MUTANTS.add("the third argument is taken for the standard deviation, as of a distribution's scale",
             "regression.value[gaussian_nll]", "regression.proper[gaussian_nll]")  # fmt: skip
def takes_the_variance_for_a_deviation(x, y, v, **given):
    return right.gaussian_nll(x, y, v * v, **given)


@MUTANTS.add("the logarithm of the variance is not halved", "regression.proper[gaussian_nll]")
@in_dtype
def does_not_halve_the_logarithm(x, y, v, **given):
    return np.log(v) + (x - y) ** 2 / (2 * v)


@MUTANTS.add("the rate is taken for the log-rate, which is another framework's default",
             "regression.value[poisson_nll_from_rate]")  # fmt: skip
@in_dtype
def takes_the_rate_for_a_log_rate(x, t, **given):
    return np.exp(x) - t * x


@MUTANTS.add("the log-rate is taken for the rate, which is another framework's default",
             "regression.value[poisson_nll]")  # fmt: skip
@in_dtype
def takes_the_log_rate_for_a_rate(x, t, **given):
    with np.errstate(all="ignore"):
        return x - t * np.log(x)


@MUTANTS.add("the square of the rounded beta is divided by it", "smooth-l1.beta-zero")
@in_dtype
def divides_by_a_beta_of_zero(x, y, *, beta=1.0, **given):
    with np.errstate(all="ignore"):
        d = x - y
        c = np.clip(d, -beta, beta)
        return c * (d - c / 2) / np.float32(beta)


@MUTANTS.add("both formulas are computed and one is chosen: NaN comes back from the other", "smooth-l1.beta-zero",
             part="_vjp")  # fmt: skip
def brings_nan_back_from_a_beta_of_zero(x, y, g, *, beta=1.0, **given):
    gradients = right.smooth_l1_vjp(x, y, g, beta=beta, **given)
    return tuple(part * np.float32(1 if beta else np.nan) for part in gradients)


@MUTANTS.each("the keyword is taken and not used", "gaussian-nll.full", operations=("gaussian_nll",))
@MUTANTS.each("the keyword is taken and not used", "poisson-nll.log-factorial")
def forgets_the_constant(f, *arrays, full=False, **given):
    return f(*arrays, full=False, **given)


@MUTANTS.add("the constant is not halved", "gaussian-nll.full")
@in_dtype
def adds_the_whole_constant(x, y, v, *, full=False, **given):
    return right.gaussian_nll(x, y, v, full=False, **given) + (np.log(2 * np.pi) if full else 0)


@MUTANTS.each("the factorial of the count less one: the gamma function without its shift", "poisson-nll.log-factorial")
@in_dtype
def forgets_the_shift_of_the_gamma_function(f, x, t, *, full=False, **given):
    return f(x, t, full=False, **given) + (gammaln(np.maximum(t, 0.5)) if full else 0)


@MUTANTS.each("0 times the logarithm of 0", "poisson-nll.zero-rate")
@in_dtype
def multiplies_zero_by_infinity(f, x, t, **given):
    with np.errstate(all="ignore"):
        log_rate = x if f.__name__ == "poisson_nll" else np.log(x)
        return np.exp(log_rate) - t * log_rate


@MUTANTS.each("0 times infinity in the backward pass", "poisson-nll.zero-rate", part="_vjp")
def multiplies_zero_by_infinity_on_the_way_back(f, x, t, *rest, **given):
    dx, *others = f(x, t, *rest, **given)
    with np.errstate(all="ignore"):
        log_rate = x if f.__name__ == "poisson_nll_vjp" else np.log(x)
        return (dx + 0 * log_rate, *others)


@MUTANTS.add("a small number is added to every rate", "poisson-nll-from-rate.epsilon")
def adds_a_millionth(x, t, **given):
    return right.poisson_nll_from_rate((x + 1e-6).astype(x.dtype), t, **given)


@MUTANTS.add("a floor under the variance, as of a batch normalization", "gaussian-nll.small-variance")
def adds_to_the_variance(x, y, v, **given):
    return right.gaussian_nll(x, y, (v + np.float32(1e-5)).astype(v.dtype), **given)


# ---- the minimizer


@MUTANTS.add("the absolute error of a probability: least at 0 or 1", "regression.proper[squared_error]",
             "regression.value[squared_error]")  # fmt: skip
@in_dtype
def takes_the_absolute_error(x, y, **given):
    return np.abs(x - y)


@MUTANTS.add("the square of the error in place of its size", "absolute-error.median",
             "regression.value[absolute_error]")  # fmt: skip
@in_dtype
def squares_the_error(x, y, **given):
    return (x - y) ** 2


@MUTANTS.add("delta is a quarter of what was said", "regression.proper[huber]")
def cuts_off_at_a_quarter_of_delta(x, y, *, delta=1.0, **given):
    return right.huber(x, y, delta=delta / 4, **given)


@MUTANTS.add("beta is a quarter of what was said", "regression.proper[smooth_l1]")
def cuts_off_at_a_quarter_of_beta(x, y, *, beta=1.0, **given):
    return right.smooth_l1(x, y, beta=beta / 4, **given)


@MUTANTS.add("delta is taken and not used", "huber.small-delta")
def ignores_delta(x, y, *, delta=1.0, **given):
    return right.huber(x, y, **given)


@MUTANTS.add("another link: the rate is the softplus of the output", "regression.proper[poisson_nll]")
@in_dtype
def takes_a_softplus_for_the_rate(x, t, **given):
    return np.logaddexp(0, x) - t * x


@MUTANTS.add("the logarithm of 1 plus the rate", "regression.proper[poisson_nll_from_rate]")
@in_dtype
def adds_1_to_the_rate(x, t, **given):
    return x - t * np.log1p(x)


# ---- gradients


@MUTANTS.each("a mean over the batch where none was asked for", "regression.gradient", part="_vjp")
def averages_the_gradient(f, x, *rest, **given):
    return tuple((g / len(x)).astype(x.dtype) for g in f(x, *rest, **given))


@MUTANTS.each("target minus prediction: uphill", "regression.gradient", part="_vjp")
def points_uphill(f, x, *rest, **given):
    dx, *others = f(x, *rest, **given)
    return (-dx, *others)


@MUTANTS.each("the target is cut off from the computation, and two networks cannot be compared", "regression.gradient",
              part="_vjp")  # fmt: skip
def holds_the_target_constant(f, x, *rest, **given):
    dx, dy, *others = f(x, *rest, **given)
    return (dx, np.zeros_like(dy), *others)


@MUTANTS.add("the variance is cut off from the computation, and stays as it is", "regression.gradient[gaussian_nll]",
             part="_vjp")  # fmt: skip
def holds_the_variance_constant(x, y, v, g, **given):
    *others, dv = right.gaussian_nll_vjp(x, y, v, g, **given)
    return (*others, np.zeros_like(dv))


@MUTANTS.each("the slope is a constant of the derivative's own derivative", "regression.second-derivative",
              operations=("squared_error", "huber", "smooth_l1", "gaussian_nll", *POISSON),
              part="_second_derivative")  # fmt: skip
def holds_the_slope_constant(f, x, *rest, **given):
    return np.zeros_like(x)


@MUTANTS.add("a square where a size was asked for", "regression.second-derivative[absolute_error]",
             part="_second_derivative")  # fmt: skip
def bends_the_absolute_error(x, *rest, **given):
    return np.ones_like(x)


@MUTANTS.each("the root of the square, whose slope at 0 is 0 / 0", "absolute-error.kink", part="_vjp")
def divides_zero_by_zero_at_the_kink(f, x, y, *rest, **given):
    with np.errstate(all="ignore"):
        return tuple(g + (x - y) / (x - y) * 0 for g in f(x, y, *rest, **given))


@MUTANTS.each("both parts of the loss count where they meet", "huber.edge", part="_vjp")
def doubles_the_slope_at_the_edge(f, x, y, *rest, **given):
    width = given.get("delta", given.get("beta", 1.0))
    at_the_edge = (np.abs(x - y) == width).astype(x.dtype)
    return tuple(g * (1 + at_the_edge) for g in f(x, y, *rest, **given))


@MUTANTS.each("neither part of the loss counts where they meet", "huber.edge", part="_vjp")
def loses_the_slope_at_the_edge(f, x, y, *rest, **given):
    width = given.get("delta", given.get("beta", 1.0))
    inside_or_out = (np.abs(x - y) != width).astype(x.dtype)
    return tuple(g * inside_or_out for g in f(x, y, *rest, **given))


@MUTANTS.each("both parts are computed and mixed by a mask: the square overflows", "huber.far")
@in_dtype
def mixes_both_parts(f, x, y, **given):
    width = given.get("delta", given.get("beta", 1.0))
    with np.errstate(all="ignore"):
        d = np.abs(x - y)
        mask = (d <= width).astype(d.dtype)
        loss = mask * (d * d / 2) + (1 - mask) * width * (d - width / 2)
        return loss / (width if f.__name__ == "smooth_l1" else 1)


@MUTANTS.each("0 times infinity in the backward pass from the part that was not chosen", "huber.far", part="_vjp")
def brings_nan_back_from_the_other_part(f, x, y, *rest, **given):
    with np.errstate(all="ignore"):
        return tuple(g + 0 * (x - y) for g in f(x, y, *rest, **given))


# ---- reductions


@MUTANTS.each("the mean divides by the batch, not by all elements", "regression.reduction")
def divides_by_the_batch_alone(f, x, *rest, reduction="none", **given):
    if reduction != "mean":
        return f(x, *rest, reduction=reduction, **given)
    return (f(x, *rest, reduction="sum", **given) / len(x)).astype(x.dtype)


@MUTANTS.each("a sum where a mean was asked for", "regression.reduction")
def adds_up_in_place_of_a_mean(f, *arrays, reduction="none", **given):
    return f(*arrays, reduction="sum" if reduction == "mean" else reduction, **given)


@MUTANTS.each("a mean unless something else is said", "regression.default-reduction")
def averages_by_default(f, *arrays, reduction="mean", **given):
    return f(*arrays, reduction=reduction, **given)


@MUTANTS.each("the mean over the last axis, and a sum of such means, which is another framework's reading",
              "regression.outputs")  # fmt: skip
def averages_the_outputs_of_an_example(f, x, *rest, reduction="none", **given):
    if x.ndim < 2 or reduction == "mean":
        return f(x, *rest, reduction=reduction, **given)
    means = f(x, *rest, reduction="none", **given).mean(-1)
    return (means if reduction == "none" else means.sum()).astype(x.dtype)


@MUTANTS.each("the mean over nothing is 0 / 0", "regression.empty-mean")
def has_no_mean_of_nothing(f, *arrays, **given):
    return f(*arrays, **given | {"empty_mean": "nan"})


MUTANTS.each("80,000 is infinite in float16, and all gradients are 0", "regression.long-sums", part="_vjp")(
    classic.counts_in_half_precision
)
MUTANTS.each("the weights of the elements are added up in half precision", "regression.long-sums", operations=WEIGHTED)(
    classic.adds_up_weights_in_half_precision
)


@MUTANTS.add("delta is 1.35 unless something else is said, for 95 % efficiency", "huber.default-delta")
def cuts_off_at_1_35_by_default(x, y, *, delta=1.35, **given):
    return right.huber(x, y, delta=delta, **given)


@MUTANTS.add("beta is a ninth unless something else is said, as in detectors", "smooth-l1.default-beta")
def bends_within_a_ninth_by_default(x, y, *, beta=1 / 9, **given):
    return right.smooth_l1(x, y, beta=beta, **given)


@MUTANTS.each("the constant is in unless something else is said", "regression.default-full")
def adds_the_constant_by_default(f, *arrays, full=True, **given):
    return f(*arrays, full=full, **given)


# ---- refusals


@MUTANTS.each("shapes are broadcast against each other", "duty.broadcasting", operations=LOSSES)
def broadcasts_the_target(f, *arrays, **given):
    return f(*np.broadcast_arrays(*arrays), **given)


@MUTANTS.each("the width is whatever it is", "huber.range")
@in_dtype
def cuts_off_at_any_number(f, x, y, **given):
    width = given.get("delta", given.get("beta", 1.0))
    d = np.abs(x - y)
    return np.where(d <= width, d * d / 2, width * (d - width / 2))


@MUTANTS.add("a negative variance is clamped like a small one", "gaussian-nll.negative-variance")
def clamps_negative_variances(x, y, v, **given):
    return right.gaussian_nll(x, y, np.maximum(v, np.asarray(1e-6, v.dtype)), **given)


@MUTANTS.each("a count is whatever it is", "poisson-nll.negative-count")
def takes_negative_counts(f, x, t, **given):
    return f(x, np.abs(t), **given)


@MUTANTS.add("the logarithm of a negative rate is NaN, and nobody is told", "poisson-nll-from-rate.negative-rate")
def takes_negative_rates(x, t, **given):
    return right.poisson_nll_from_rate(np.where(x < 0, np.nan, x).astype(x.dtype), t, **given)


# ---- weights of the examples


@MUTANTS.each("the weights are taken and not used", "regression.sample-weights")
def forgets_the_weights(f, x, y, *weights, **given):
    return f(x, y, *(np.ones_like(w) for w in weights), **given)


@MUTANTS.each("the root of the squared loss gets the weight, which is squared with it", "regression.sample-weights")
def squares_the_weights(f, x, y, *weights, **given):
    return f(x, y, *(w * w for w in weights), **given)


@MUTANTS.each("the weights are lost in the backward pass", "regression.sample-weights", part="_vjp")
def forgets_the_weights_on_the_way_back(f, x, y, *rest, **given):
    *weights, g = rest
    return (*f(x, y, g, **given), *map(np.zeros_like, weights))


@MUTANTS.each("the gradient of a weighted mean is divided by another number than the mean", "regression.weighted-mean",
              part="_vjp")  # fmt: skip
def divides_the_gradient_by_another_number(f, *operands, weighted_mean="weights", **given):
    return f(*operands, weighted_mean="count" if weighted_mean == "weights" else "weights", **given)


@MUTANTS.each("the mean divides by the number of weights that are not 0", "regression.weighted-mean")
def divides_by_the_weights_that_are_not_0(f, x, y, *weights, reduction="none", **given):
    if reduction != "mean" or not weights:
        return f(x, y, *weights, reduction=reduction, **given)
    return (f(x, y, *weights, reduction="sum", **given) / np.count_nonzero(weights[0])).astype(x.dtype)


@MUTANTS.each("the mean of weights of 0 is 0 / 0", "regression.zero-weights")
def divides_by_no_weight(f, x, y, *weights, **given):
    return f(x, y, *weights, **given | {"zero_weights": "nan"})
