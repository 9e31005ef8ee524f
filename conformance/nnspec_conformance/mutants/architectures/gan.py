"""Wrong losses of two networks against each other, each a bug that is met in the wild or easily made."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.adapters.numpy_oracle.rounding import in_dtype
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.architectures.gan import plogp, sigmoid, slope, softplus

MUTANTS = Mutants(apart=["discriminator_loss"])

# ---- the discriminator's loss


@MUTANTS.add("made samples carry the label of real ones, as in a published program", "discriminator-loss.value",
             "discriminator-loss.example")  # fmt: skip
@in_dtype
def gives_made_samples_the_label_of_real_ones(r, f, *, kind, **how):
    return softplus(-r) + softplus(-f) if kind == "logistic" else right.discriminator_loss(r, f, kind=kind, **how)


@MUTANTS.add("real and made samples change places", "discriminator-loss.value", "discriminator-loss.example")
def exchanges_the_samples(r, f, **given):
    return right.discriminator_loss(f, r, **given)


@MUTANTS.add("the loss of the real half alone", "discriminator-loss.value")
@in_dtype
def forgets_the_made_samples(r, f, *, kind, **how):
    return softplus(-r) if kind == "logistic" else right.discriminator_loss(r, f, kind=kind, **how)


@MUTANTS.add(
    "a sigmoid before a loss that takes logits", "discriminator-loss.value", "gan.extremes[discriminator_loss]"
)
@in_dtype
def squashes_twice(r, f, *, kind, **how):
    return right.discriminator_loss(sigmoid(r), sigmoid(f), kind=kind, **how)


@MUTANTS.add("a hinge without its margin", "discriminator-loss.value", "discriminator-loss.halves")
@in_dtype
def forgets_the_margin(r, f, *, kind, halves="sum", squares="half"):
    if kind != "hinge":
        return right.discriminator_loss(r, f, kind=kind, halves=halves, squares=squares)
    return np.maximum(-r, 0) + np.maximum(f, 0)


@MUTANTS.add("the critic's loss is minimized where it must be maximized", "discriminator-loss.value")
@in_dtype
def turns_the_critic(r, f, *, kind, **how):
    return r - f if kind == "wasserstein" else right.discriminator_loss(r, f, kind=kind, **how)


@MUTANTS.add("the labels of least squares are -1 and 1", "discriminator-loss.value", "gan.squares[discriminator_loss]")
@in_dtype
def labels_with_minus_1(r, f, *, kind, halves="sum", squares="half"):
    if kind != "least-squares":
        return right.discriminator_loss(r, f, kind=kind, halves=halves, squares=squares)
    return (0.5 * ((r - 1) ** 2 + (f + 1) ** 2)).astype(r.dtype)


@MUTANTS.add("half of a half: divided in the loss and once more", "discriminator-loss.halves")
@in_dtype
def divides_the_halves_twice(r, f, **given):
    return 0.5 * right.discriminator_loss(r, f, **given)


@MUTANTS.add("the probability is clipped at 1e-7 before the logarithm", "gan.extremes[discriminator_loss]")
@in_dtype
def clips_the_probability(r, f, *, kind, **how):
    if kind != "logistic":
        return right.discriminator_loss(r, f, kind=kind, **how)
    real, fake = (np.clip(sigmoid(z.astype(np.float64)), 1e-7, 1 - 1e-7) for z in (r, f))
    return (-np.log(real) - np.log1p(-fake)).astype(r.dtype)


@MUTANTS.add("the logarithm of one plus an exponential that overflows", "gan.extremes[discriminator_loss]")
@in_dtype
def lets_the_exponential_overflow(r, f, *, kind, **how):
    if kind != "logistic":
        return right.discriminator_loss(r, f, kind=kind, **how)
    with np.errstate(over="ignore"):
        return np.log1p(np.exp(-r)) + np.log1p(np.exp(f))


# ---- the generator's loss


@MUTANTS.add("the loss that saturates under the name of the one that does not", "generator-loss.value")
@in_dtype
def saturates(f, *, kind, **how):
    return -softplus(f) if kind == "non-saturating" else right.generator_loss(f, kind=kind, **how)


@MUTANTS.add("the discriminator's own loss of made samples", "generator-loss.value")
@in_dtype
def helps_the_discriminator(f, *, kind, **how):
    return softplus(f) if kind in ("minimax", "non-saturating") else right.generator_loss(f, kind=kind, **how)


@MUTANTS.add("made samples are to be 0 for the generator, too", "generator-loss.value", "gan.squares[generator_loss]")
@in_dtype
def aims_at_0(f, *, kind, squares="half"):
    return 0.5 * f * f if kind == "least-squares" else right.generator_loss(f, kind=kind, squares=squares)


@MUTANTS.add("a margin for the generator: it stops where the discriminator is beaten", "generator-loss.value")
@in_dtype
def has_a_margin_for_the_generator(f, *, kind, **how):
    return np.maximum(1 - f, 0) if kind == "hinge" else right.generator_loss(f, kind=kind, **how)


@MUTANTS.add("uphill", "generator-loss.value")
def turns_the_generator(f, *, kind, **how):
    loss = right.generator_loss(f, kind=kind, **how)
    return -loss if kind in ("hinge", "wasserstein") else loss


@MUTANTS.add("the logarithm of a sigmoid that is 0", "gan.extremes[generator_loss]")
@in_dtype
def takes_the_logarithm_of_0(f, *, kind, **how):
    if kind != "non-saturating":
        return right.generator_loss(f, kind=kind, **how)
    with np.errstate(divide="ignore"):
        return -np.log(sigmoid(f))


# ---- gradients of both


@MUTANTS.each("a mean over the batch where none was asked for", "gan.gradient", part="_vjp")
def averages_the_gradient(f, x, *rest, **given):
    return tuple((g / len(x)).astype(x.dtype) for g in f(x, *rest, **given))


@MUTANTS.each("uphill", "gan.gradient", part="_vjp")
def points_uphill(f, x, *rest, **given):
    return tuple(-g for g in f(x, *rest, **given))


@MUTANTS.each("a clipped probability has no gradient", "gan.extremes", part="_vjp")
def stops_at_a_clipped_probability(f, x, *rest, **given):
    return tuple(np.where(np.abs(x) > 16, 0, g).astype(x.dtype) for g in f(x, *rest, **given))


@MUTANTS.add("made samples are cut off from the discriminator", "gan.gradient[discriminator_loss]", part="_vjp")
def stops_at_the_made_samples(r, f, g, **given):
    for_real, for_fake = right.discriminator_loss_vjp(r, f, g, **given)
    return for_real, np.zeros_like(for_fake)


@MUTANTS.add("one gradient for both losses by logit", "generator-loss.saturation", part="_vjp")
def does_not_saturate(f, g, *, kind, **how):
    return right.generator_loss_vjp(f, g, kind="non-saturating" if kind == "minimax" else kind, **how)


@MUTANTS.add("the slope at a kink is that of both sides together", "discriminator-loss.kinks", part="_vjp")
def doubles_at_a_kink(r, f, g, *, kind, **how):
    for_real, for_fake = right.discriminator_loss_vjp(r, f, g, kind=kind, **how)
    if kind == "hinge":
        for_real = np.where(r == 1, -2 * g, for_real)
    return for_real.astype(r.dtype), for_fake


# ---- the penalty


@MUTANTS.add("the slope squared, less the target", "gradient-penalty.value", "gradient-penalty.sides")
@in_dtype
def forgets_the_root(x, w, b, a, *, target, sides="two"):
    return ((slope(x, w, b, a) ** 2).sum(-1) - x.dtype.type(target)) ** 2


@MUTANTS.add("the distance to the target without its square", "gradient-penalty.value")
@in_dtype
def forgets_the_square(x, w, b, a, **given):
    return np.sqrt(right.gradient_penalty(x, w, b, a, **given))


@MUTANTS.each("target or 1: 0 is false", "gradient-penalty.value")
def takes_a_target_of_0_for_none(f, *arrays, target, **given):
    return f(*arrays, target=target or 1.0, **given)


@MUTANTS.add("one length for the slopes of all points", "gradient-penalty.value")
@in_dtype
def takes_one_length(x, w, b, a, *, target, sides="two"):
    length = np.sqrt((slope(x, w, b, a) ** 2).sum())
    return np.full(len(x), (length - x.dtype.type(target)) ** 2, x.dtype)


@MUTANTS.add("the target is 1, whatever is asked", "gradient-penalty.value", "gradient-penalty.sides")
def forgets_the_target(x, w, b, a, *, target, **given):
    return right.gradient_penalty(x, w, b, a, target=1.0, **given)


@MUTANTS.add("the largest slope of a coordinate for the length", "gradient-penalty.at-target")
@in_dtype
def takes_the_largest_coordinate(x, w, b, a, *, target, sides="two"):
    return (np.abs(slope(x, w, b, a)).max(-1) - x.dtype.type(target)) ** 2


@MUTANTS.add("an epsilon of 1e-2 under the root", "gradient-penalty.no-slope", "gradient-penalty.at-target")
@in_dtype
def adds_under_the_root(x, w, b, a, *, target, sides="two"):
    return (np.sqrt((slope(x, w, b, a) ** 2).sum(-1) + x.dtype.type(1e-2)) - x.dtype.type(target)) ** 2


@MUTANTS.add("slopes are handed over as numbers: their length has no gradient for the weights",
             "gradient-penalty.gradient", part="_vjp")  # fmt: skip
def takes_the_slope_for_a_constant(x, w, b, a, g, **given):
    return tuple(np.zeros_like(part) for part in (x, w, b, a))


@MUTANTS.add("the derivative of the slope by its kernel, once of two times", "gradient-penalty.gradient", part="_vjp")
def forgets_one_use_of_the_kernel(x, w, b, a, g, *, target, sides="two"):
    for_x, for_kernel, for_bias, for_read = right.gradient_penalty_vjp(x, w, b, a, g, target=target, sides=sides)
    return (
        for_x,
        (for_kernel - x.T @ (for_bias[None] * np.ones((len(x), 1)) / len(x))).astype(w.dtype),
        for_bias,
        for_read,
    )


@MUTANTS.add("0 / 0 where there is no slope", "gradient-penalty.no-slope", part="_vjp")
def divides_by_no_slope(x, w, b, a, g, **given):
    none = (slope(x, w, b, a) == 0).all()
    found = right.gradient_penalty_vjp(x, w, b, a, g, **given)
    return tuple(np.full_like(part, np.nan) if none else part for part in found)


@MUTANTS.add(
    "the factor of the distance to the target is that of no target",
    "gradient-penalty.at-target",
    "gradient-penalty.gradient",
    part="_vjp",
)
def forgets_how_far_it_is_off(x, w, b, a, g, *, target, sides="two"):
    found = right.gradient_penalty_vjp(x, w, b, a, g, target=0.0, sides=sides)
    return tuple(found)


# ---- distributions


@MUTANTS.add("d and 1 - d change places", "gan-value.value", "gan-value.optimum")
@in_dtype
def exchanges_the_answers(d, p, q):
    return (plogp(p, 1 - d) + plogp(q, d)).sum(-1)


@MUTANTS.add("the half of the generator alone", "gan-value.value", "gan-value.optimum")
@in_dtype
def tells_the_half_of_the_generator(d, p, q):
    return plogp(q, 1 - d).sum(-1)


@MUTANTS.add("a mean over the points for the sum", "gan-value.value")
@in_dtype
def averages_over_the_points(d, p, q):
    return (plogp(p, d) + plogp(q, 1 - d)).mean(-1)


@MUTANTS.add("no sign between the halves", "gan-value.gradient", "gan-value.optimum", part="_vjp")
def forgets_the_sign_between_the_halves(d, p, q, g):
    for_d, for_p, for_q = right.gan_value_vjp(d, p, q, g)
    return for_d + 2 * g[..., None] * q / (1 - d), for_p, for_q


@MUTANTS.add("0 times the logarithm of 0", "gan-value.edges[gan_value]")
@in_dtype
def multiplies_0_by_infinity(d, p, q):
    with np.errstate(divide="ignore", invalid="ignore"):
        return (p * np.log(d) + q * np.log(1 - d)).sum(-1)


@MUTANTS.add("0 times the logarithm of 0 divided by 0", "gan-value.edges[jensen_shannon]")
@in_dtype
def divides_0_by_0(p, q, *, form="divergence"):
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))).sum(-1) / 2
    return np.sqrt(found) if form == "distance" else found


@MUTANTS.add("in bits", "jensen-shannon.ends", "jensen-shannon.form")
@in_dtype
def counts_in_bits(p, q, *, form="divergence"):
    found = right.jensen_shannon(p, q, form="divergence") / p.dtype.type(np.log(2))
    return np.sqrt(found) if form == "distance" else found


@MUTANTS.add("without the half before the sum", "jensen-shannon.form", "jensen-shannon.ends")
@in_dtype
def forgets_the_half(p, q, *, form="divergence"):
    found = 2 * right.jensen_shannon(p, q, form="divergence")
    return np.sqrt(found) if form == "distance" else found


@MUTANTS.add("the divergence of Kullback and Leibler from p to q", "jensen-shannon.form")
@in_dtype
def tells_another_divergence(p, q, *, form="divergence"):
    found = plogp(p, p / np.where(q == 0, 1, q)).sum(-1)
    return np.sqrt(np.maximum(found, 0)) if form == "distance" else found


@MUTANTS.add("the gradient without the half", "jensen-shannon.gradient", part="_vjp")
def forgets_the_half_on_the_way_back(p, q, g, **given):
    return tuple(2 * part for part in right.jensen_shannon_vjp(p, q, g, **given))


@MUTANTS.add("the middle is a constant, and 1 is added", "jensen-shannon.gradient", part="_vjp")
def adds_1_to_the_logarithm(p, q, g, *, form="divergence"):
    return tuple((part + g[..., None] / 2).astype(p.dtype) for part in right.jensen_shannon_vjp(p, q, g, form=form))


@MUTANTS.each("any number is taken for a probability", "gan-value.range")
@in_dtype
def takes_any_number(f, *arrays, **given):
    return f(*(np.clip(x, 1e-6, 1 - 1e-6) for x in arrays), **given)
