"""Wrong autoencoders, each a bug that is met in the wild or easily made: normal distributions, draws and the bound."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.adapters.numpy_oracle.rounding import in_dtype
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.architectures import autoencoder as oracle

MUTANTS = Mutants()
EQUAL, CODE, BACK = (f"gaussian-divergence.{name}" for name in ("near-equal", "code", "gradient"))
MOMENTS, APART, PULL, AGAIN = (
    f"reparametrize.{name}" for name in ("moments", "independence", "gradient", "repeatable")
)
TIGHT, GAP, PIXELS = "gaussian-bound.tight", "gaussian-bound.gap", "evidence-bound.pixels"


def normal(seed, shape):
    return np.random.default_rng(seed).standard_normal(shape)


def offsets(mean, log_variance, prior_mean=None, prior_log_variance=None):
    """Mean and log-variance from those of the prior on, and the precision of the prior."""
    zero = np.zeros_like(mean)
    n, t = (zero if part is None else part for part in (prior_mean, prior_log_variance))
    return mean - n, log_variance - t, np.exp(-t)


# ---- the divergence


@MUTANTS.add("the log-variance is a standard deviation in the divergence, as in deepchem 4888",
             "gaussian-divergence.example", CODE)  # fmt: skip
@in_dtype
def takes_the_log_variance_for_a_deviation(m, s, *prior, code="sum"):
    off, d, precision = offsets(m, s, *prior)
    with np.errstate(divide="ignore"):
        terms = off**2 * precision + d * d - 1 - np.log(d * d)
    return (terms.mean(-1) if code == "mean" else terms.sum(-1)) / 2


@MUTANTS.add("the half is left out", CODE, "gaussian-divergence.example")
@in_dtype
def forgets_the_half(m, s, *prior, **given):
    return 2 * right.gaussian_divergence(m, s, *prior, **given)


@MUTANTS.add("the two distributions change places", CODE)
def exchanges_the_distributions(m, s, *prior, **given):
    return right.gaussian_divergence(*((*prior, m, s) if len(prior) == 2 else (m, s, *prior)), **given)


@MUTANTS.add("the prior is the standard normal distribution, whatever is handed over", CODE, EQUAL)
def forgets_the_prior(m, s, *prior, **given):
    return right.gaussian_divergence(m, s, **given)


@MUTANTS.add("1 is subtracted from an exponential near 1", EQUAL)
@in_dtype
def subtracts_one_from_an_exponential(m, s, *prior, code="sum"):
    off, d, precision = offsets(m, s, *prior)
    terms = (off**2 * precision).astype(m.dtype) + (np.exp(d) - m.dtype.type(1)).astype(m.dtype) - d
    return (terms.mean(-1) if code == "mean" else terms.sum(-1)) / 2


@MUTANTS.add("a prior without a mean is none: its variance is not looked at", CODE)
def forgets_the_variance_of_a_prior_without_a_mean(m, s, n=None, t=None, **given):
    return right.gaussian_divergence(m, s, n, None if n is None else t, **given)


@MUTANTS.add("the log-variance has the wrong sign", "gaussian-divergence.example", CODE)
@in_dtype
def adds_the_log_variance(m, s, *prior, code="sum"):
    off, d, precision = offsets(m, s, *prior)
    terms = off**2 * precision + np.expm1(d) + d
    return (terms.mean(-1) if code == "mean" else terms.sum(-1)) / 2


@MUTANTS.add("the log-variance pulled as a variance: 1 - 1/v", BACK, part="_vjp")
def pulls_a_variance(m, s, *rest, **given):
    for_mean, for_s, *others = right.gaussian_divergence_vjp(m, s, *rest, **given)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (for_mean, (for_s * np.exp(-s)).astype(s.dtype), *others)


@MUTANTS.add("the prior is taken for constant, where it is learned", BACK, part="_vjp")
def detaches_the_prior(m, s, *rest, **given):
    for_mean, for_s, *others = right.gaussian_divergence_vjp(m, s, *rest, **given)
    return (for_mean, for_s, *map(np.zeros_like, others))


# ---- draws


@MUTANTS.add("the variance, where the deviation is wanted", MOMENTS)
def multiplies_by_the_variance(m, s, *, seed):
    return (m + np.exp(s) * normal(seed, m.shape)).astype(m.dtype)


@MUTANTS.add("the log-variance itself for the deviation", MOMENTS)
def multiplies_by_the_log_variance(m, s, *, seed):
    return (m + s * normal(seed, m.shape)).astype(m.dtype)


@MUTANTS.add("uniform numbers of the right variance", MOMENTS)
def draws_uniform_numbers(m, s, *, seed):
    noise = np.random.default_rng(seed).uniform(-(3**0.5), 3**0.5, m.shape)
    return (m + np.exp(s / 2) * noise).astype(m.dtype)


@MUTANTS.add("the mean is left out", MOMENTS)
def forgets_the_mean(m, s, *, seed):
    return (np.exp(s / 2) * normal(seed, m.shape)).astype(m.dtype)


@MUTANTS.add("one number for all entries of a code", APART)
def draws_one_number_for_a_code(m, s, *, seed):
    return (m + np.exp(s / 2) * normal(seed, (*m.shape[:-1], 1))).astype(m.dtype)


@MUTANTS.add("one code of noise for the whole batch", APART)
def draws_one_code_for_the_batch(m, s, *, seed):
    return (m + np.exp(s / 2) * normal(seed, m.shape[-1:])).astype(m.dtype)


@MUTANTS.add("seeds share their stream, one entry on", APART)
def shifts_the_stream_by_the_seed(m, s, *, seed):
    noise = normal(0, m.size + 100)[seed : seed + m.size].reshape(m.shape)
    return (m + np.exp(s / 2) * noise).astype(m.dtype)


@MUTANTS.each("the seed is taken once and forgotten", AGAIN)
def forgets_the_seed(f, *arrays, seed, **given):
    return f(*arrays, seed=0, **given)


@MUTANTS.add("sample, where rsample has a gradient", PULL, part="_vjp")
def draws_without_a_gradient(m, s, g, *, seed):
    return np.zeros_like(m), np.zeros_like(s)


@MUTANTS.add("the half of the log-variance has no derivative of a half", PULL, part="_vjp")
def forgets_the_half_of_the_log_variance(m, s, g, *, seed):
    for_mean, for_s = right.reparametrize_vjp(m, s, g, seed=seed)
    return for_mean, 2 * for_s


@MUTANTS.add("other noise in the backward pass", PULL, part="_vjp")
def draws_anew_in_the_backward_pass(m, s, g, *, seed):
    return right.reparametrize_vjp(m, s, g, seed=seed + 1)


@MUTANTS.add("the variance, where the deviation is declared", "add-noise.moments")
def takes_a_deviation_for_a_variance(x, *, seed, deviation):
    return (x + deviation**0.5 * normal(seed, x.shape)).astype(x.dtype)


@MUTANTS.add("noise of the size of the input", "add-noise.moments")
def multiplies_by_noise(x, *, seed, deviation):
    return (x * (1 + deviation * normal(seed, x.shape))).astype(x.dtype)


@MUTANTS.add("the result is brought back to between -1 and 1", "add-noise.moments")
def clips_what_is_disturbed(x, *, seed, deviation):
    return np.clip(right.add_noise(x, seed=seed, deviation=deviation), -1, 1).astype(x.dtype)


@MUTANTS.add("noise of the shape of one example", "add-noise.independence")
def disturbs_all_examples_alike(x, *, seed, deviation):
    return (x + deviation * normal(seed, x.shape[1:])).astype(x.dtype)


@MUTANTS.add("both ends of a Box-Muller pair are one number", "add-noise.independence")
def draws_once_for_two_entries(x, *, seed, deviation):
    noise = np.repeat(normal(seed, (-(-x.size // 2),)), 2)[: x.size]
    return (x + deviation * noise.reshape(x.shape)).astype(x.dtype)


@MUTANTS.add("every second seed has the noise of the one before, with its sign turned", "add-noise.independence")
def turns_the_sign_of_every_second_seed(x, *, seed, deviation):
    noise = normal(seed // 2, x.shape) * (-1) ** (seed % 2)
    return (x + deviation * noise).astype(x.dtype)


@MUTANTS.add("a deviation of 0 is taken for none given", "add-noise.zero")
def takes_zero_for_nothing(x, *, seed, deviation):
    return right.add_noise(x, seed=seed, deviation=deviation or 0.1)


@MUTANTS.add("the disturbed input has no gradient", "add-noise.gradient", part="_vjp")
def detaches_the_input(x, g, **given):
    return (np.zeros_like(x),)


@MUTANTS.add("the size of a negative deviation", "add-noise.range")
def takes_the_size_of_the_deviation(x, *, seed, deviation):
    return right.add_noise(x, seed=seed, deviation=abs(deviation))


# ---- the evidence bound


@MUTANTS.each("the divergence is added: a better code is further from its prior", PIXELS)
@in_dtype
def adds_the_divergence(f, x, y, m, s, *, beta, **given):
    return f(x, y, m, s, beta=0.0, **given) + beta * right.gaussian_divergence(m, s)


@MUTANTS.each("the divergence is a mean over the code", PIXELS)
@in_dtype
def averages_the_divergence(f, x, y, m, s, *, beta, **given):
    return f(x, y, m, s, beta=beta / m.shape[-1], **given)


@MUTANTS.each("beta of 0 is taken for 1", PIXELS)
def takes_no_beta_for_one(f, x, y, m, s, *, beta, **given):
    return f(x, y, m, s, beta=beta or 1.0, **given)


@MUTANTS.each("a loss, where the bound is wanted", PIXELS)
def hands_out_a_loss(f, *arrays, **given):
    return -f(*arrays, **given)


@MUTANTS.add("the squared error alone: without the constant of the density", TIGHT, GAP)
@in_dtype
def forgets_the_constant(x, y, m, s, *, variance, pixels="sum", **given):
    lost = oracle.LOG_2_PI / 2 * (x.shape[-1] if pixels == "sum" else 1)
    return right.gaussian_bound(x, y, m, s, variance=variance, pixels=pixels, **given) + x.dtype.type(lost)


@MUTANTS.add("without the logarithm of the variance", TIGHT, GAP)
@in_dtype
def forgets_the_logarithm_of_the_variance(x, y, m, s, *, variance, pixels="sum", **given):
    lost = np.log(variance) / 2 * (x.shape[-1] if pixels == "sum" else 1)
    return right.gaussian_bound(x, y, m, s, variance=variance, pixels=pixels, **given) + x.dtype.type(lost)


@MUTANTS.add("the variance is taken for a deviation", TIGHT, "evidence-bound.pixels[gaussian_bound]")
def takes_the_variance_for_a_deviation(x, y, m, s, *, variance, **given):
    return right.gaussian_bound(x, y, m, s, variance=variance**2, **given)


@MUTANTS.add("the divergence without its half", TIGHT, GAP)
def doubles_the_divergence(x, y, m, s, *, beta, **given):
    return right.gaussian_bound(x, y, m, s, beta=2 * beta, **given)


@MUTANTS.add("the deviation of the code for its variance", GAP)
def halves_the_log_variance(x, y, m, s, **given):
    return right.gaussian_bound(x, y, m, (s / 2).astype(s.dtype), **given)


@MUTANTS.add("a variance of 0 is replaced by a small one", "gaussian-bound.variance")
def replaces_no_variance(x, y, m, s, *, variance, **given):
    return right.gaussian_bound(x, y, m, s, variance=max(variance, 1e-6), **given)


@MUTANTS.each("the size of a negative beta", "evidence-bound.beta")
def takes_the_size_of_beta(f, *arrays, beta, **given):
    return f(*arrays, beta=abs(beta), **given)


@MUTANTS.add("pixels are brought to between 0 and 1", "bernoulli-bound.range")
def clips_the_pixels(x, *arrays, **given):
    return right.bernoulli_bound(np.clip(x, 0, 1), *arrays, **given)


@MUTANTS.add("the logarithm of a sigmoid that is 0", "bernoulli-bound.extremes")
@in_dtype
def takes_the_logarithm_of_0(x, y, m, s, *, beta, pixels="sum"):
    with np.errstate(all="ignore"):
        p = 1 / (1 + np.exp(-y))
        logs = x * np.log(p) + (1 - x) * np.log(1 - p)
    return (logs.mean(-1) if pixels == "mean" else logs.sum(-1)) - beta * right.gaussian_divergence(m, s)


@MUTANTS.add("probabilities are clipped at 1e-7 before the logarithm", "bernoulli-bound.extremes")
@in_dtype
def clips_the_probability(x, y, m, s, *, beta, **given):
    far = np.log(1e7)
    return right.bernoulli_bound(x, np.clip(y, -far, far).astype(y.dtype), m, s, beta=beta, **given)


@MUTANTS.add("a clipped probability has no gradient", "bernoulli-bound.extremes", part="_vjp")
def stops_at_a_clipped_probability(x, y, m, s, g, **given):
    for_x, for_y, *others = right.bernoulli_bound_vjp(x, y, m, s, g, **given)
    return (for_x, np.where(np.abs(y) > 16, 0, for_y).astype(y.dtype), *others)


@MUTANTS.each(
    "the divergence is detached: the encoder is not held to the prior", "evidence-bound.gradient", part="_vjp"
)
def detaches_the_divergence(f, x, y, m, s, g, **given):
    for_x, for_y, *_ = f(x, y, m, s, g, **given)
    return for_x, for_y, np.zeros_like(m), np.zeros_like(s)


@MUTANTS.each("a mean over the batch where none was asked for", "evidence-bound.gradient", part="_vjp")
def averages_the_gradient(f, x, *rest, **given):
    return tuple((g / len(x)).astype(x.dtype) for g in f(x, *rest, **given))
