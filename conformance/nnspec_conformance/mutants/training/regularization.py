"""Wrong penalties, each met in the wild, each caught by the clauses that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants

MUTANTS = Mutants(straight=["l1_penalty", "soft_threshold"])


@MUTANTS.each("the mean over the parameters, as losses have it", "penalty.value")
def takes_the_mean(f, x, **given):
    return f(x, **given) / max(x.size, 1)


@MUTANTS.each("strength and loss are added", "penalty.strength-zero")
def adds_a_constant(f, x, **given):
    return f(x, **given) + x.dtype.type(2.0**-10)


@MUTANTS.each(
    "the penalty is taken out of the graph: it is reported, and nothing decays", "penalty.gradient", part="_vjp"
)
def has_no_gradient(f, x, cotangents, **given):
    return (np.zeros_like(x),)


@MUTANTS.each("a slope of x/|x|, by dividing: NaN at zero", "penalty.at-zero", part="_vjp")
def divides_by_the_size(f, x, cotangents, **given):
    with np.errstate(invalid="ignore"):
        return (f(x, cotangents, **given)[0] * (np.abs(x) / np.abs(x)),)


@MUTANTS.each("the magnitude is taken of what was given", "penalty.negative-strength")
def takes_any_strength(f, x, **given):
    return f(x, **{name: abs(v) if isinstance(v, float) else v for name, v in given.items()})


@MUTANTS.add("keras: one factor for both", "elastic-net-penalty.factor", "penalty.value[elastic_net_penalty]")
def elastic_net_penalty(x, *, l1, l2, **given):
    return right.elastic_net_penalty(x, l1=l1, l2=l1, **given)


@MUTANTS.add(
    "the slope of the mean over the parameters beside the value of the sum: ridge with a fraction of its strength",
    "l2-penalty.ridge",
    "penalty.gradient[l2_penalty]",
    part="_vjp",
)
def l2_penalty_has_the_slope_of_the_mean(x, cotangents, **given):
    return (right.l2_penalty_vjp(x, cotangents, **given)[0] / max(x.size, 1),)


@MUTANTS.add(
    "the 2 of the derivative of a square is forgotten: ridge with half its strength",
    "l2-penalty.ridge",
    "penalty.gradient[l2_penalty]",
    part="_vjp",
)
def l2_penalty_forgets_the_two(x, cotangents, **given):
    return (right.l2_penalty_vjp(x, cotangents, **given)[0] / 2,)


@MUTANTS.add(
    "the slope of the norm, not of its square: the same pull however small the parameters are",
    "l2-penalty.ridge",
    "penalty.gradient[l2_penalty]",
    part="_vjp",
)
def l2_penalty_has_the_slope_of_the_norm(x, cotangents, **given):
    size = np.sqrt(np.sum(x * x))
    return (right.l2_penalty_vjp(x, cotangents, **given)[0] / np.where(size > 0, size, 1),)


@MUTANTS.add(
    "everything is moved, and crosses zero",
    "soft-threshold.zeros",
    "soft-threshold.value",
    "soft-threshold.fixed-point",
)
def soft_threshold_crosses_zero(x, *, threshold):
    right.soft_threshold(x, threshold=threshold)
    return x - np.sign(x) * x.dtype.type(threshold)


@MUTANTS.add("hard thresholding: what is kept keeps its size", "soft-threshold.value", "soft-threshold.fixed-point")
def soft_threshold_keeps_the_size(x, *, threshold):
    return np.where(right.soft_threshold(x, threshold=threshold) == 0, x.dtype.type(0), x)


@MUTANTS.add(
    "the nonnegative garrote: large parameters are hardly moved", "soft-threshold.value", "soft-threshold.fixed-point"
)
def soft_threshold_spares_the_large(x, *, threshold):
    right.soft_threshold(x, threshold=threshold)
    square = x.dtype.type(threshold) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.abs(x) <= threshold, x.dtype.type(0), x - square / x)


@MUTANTS.add("the slope of what was cut off is 1", "soft-threshold.gradient", part="_vjp")
def soft_threshold_passes_everything(x, cotangents, *, threshold):
    return (cotangents,)


@MUTANTS.add("a step of the wrong sign", "soft-threshold.range")
def soft_threshold_takes_any(x, *, threshold):
    return right.soft_threshold(x, threshold=abs(threshold))


@MUTANTS.add("the norms of the rows, from the layout of another framework", "max-norm.value")
def max_norm_of_rows(kernel, **given):
    return right.max_norm(kernel.T, **given).T


@MUTANTS.add("every column is brought to the limit, short ones too", "max-norm.value")
def max_norm_normalizes(kernel, *, limit, **given):
    right.max_norm(kernel, limit=limit, **given)
    n = np.sqrt(np.sum(kernel * kernel, 0, keepdims=True))
    return np.where(n > 0, kernel / np.where(n > 0, n, 1) * kernel.dtype.type(limit), kernel)


@MUTANTS.add("the norm is a constant to the backward pass", "max-norm.gradient", part="_vjp")
def max_norm_holds_the_norm(kernel, cotangents, *, limit, **given):
    n = np.sqrt(np.sum(kernel * kernel, 0, keepdims=True))
    return (cotangents * np.minimum(1, kernel.dtype.type(limit) / n),)


@MUTANTS.add("0/0 for a unit without inputs", "max-norm.zero")
def max_norm_divides_by_zero(kernel, *, limit, **given):
    n = np.sqrt(np.sum(kernel * kernel, 0, keepdims=True))
    with np.errstate(invalid="ignore"):
        return right.max_norm(kernel, limit=limit, **given) * (n / n)


@MUTANTS.add("the magnitude of the limit", "max-norm.range")
def max_norm_takes_any(kernel, *, limit, **given):
    return right.max_norm(kernel, limit=abs(limit), **given)
