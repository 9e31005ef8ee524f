"""Wrong numbers at the edges of functions, and away from them, each caught by the clause it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.trees import mapped

MUTANTS = Mutants(
    straight=["absolute_value", "clamp", "embedding_lookup", "maximum_reduction", "pairwise_maximum", "selection"],
    apart=["unused_parameter"],
)


def as_given(y, x):
    """Bring a result to the dtype of the argument."""
    return np.asarray(y).astype(x.dtype)


# ---- every one of them, away from the edge


@MUTANTS.each("a fast path rounds to bfloat16", "edge.value")
def computes_in_bfloat16(f, *arrays, **given):
    return mapped(lambda y: y.astype("bfloat16").astype(y.dtype), f(*arrays, **given))


@MUTANTS.each(
    "an epsilon below a root makes it smooth",
    "edge.value",
    operations=("absolute_value", "euclidean_norm", "square_root", "masked_square_root"),
)
def is_never_zero(f, *arrays, **given):
    y = f(*arrays, **given)
    return np.sqrt(y * y + y.dtype.type(1e-12)).astype(y.dtype)


@MUTANTS.each("the slope on one side is not the one of the other", "edge.gradient", part="_vjp")
def turns_the_gradient_round(f, *arrays, **given):
    return mapped(np.negative, f(*arrays, **given))


@MUTANTS.each("a backward kernel in half precision", "edge.gradient", part="_vjp")
def rounds_the_gradient_to_bfloat16(f, *arrays, **given):
    return mapped(lambda y: y.astype("bfloat16").astype(y.dtype), f(*arrays, **given))


@MUTANTS.each(
    "the second derivative is that of a smoothed function", "edge.second-derivative", part="_second_derivative"
)
def bends_near_the_edge(f, x, **given):
    return as_given(f(x, **given) + x.dtype.type(0.01) * np.exp(-np.abs(x)), x)


@MUTANTS.add("the exponential of a logarithm, in float32 throughout", "edge.value[power]")
def is_the_exponential_of_a_logarithm(x, exponent, **given):
    return as_given(np.exp(np.round(exponent * np.log(x), 4)), x)


@MUTANTS.add("two arguments of the product are exchanged in the backward pass", "edge.gradient[power]", part="_vjp")
def exchanges_the_gradients(x, exponent, g, **given):
    return right.power_vjp(x, exponent, g, **given)[::-1]


def near(a, b):
    return np.isclose(a, b, rtol=1e-5, atol=1e-8)


@MUTANTS.add("numbers that are nearly equal count as a tie", "edge.gradient[pairwise_maximum]", part="_vjp")
def compares_with_a_tolerance(x, y, g, **given):
    share = np.where(near(x, y), 0.5, x > y)
    return as_given(g * share, x), as_given(g * (1 - share), y)


@MUTANTS.add("numbers that are nearly the largest share with it", "edge.gradient[maximum_reduction]", part="_vjp")
def counts_winners_with_a_tolerance(x, g, **given):
    winners = near(x, x.max(-1, keepdims=True))
    return (as_given(g[..., None] * winners / winners.sum(-1, keepdims=True), x),)


@MUTANTS.add("the absolute value is smoothed", "edge.gradient[absolute_value]", part="_vjp")
def smooths_the_absolute_value(x, g, **given):
    return (as_given(g * x / np.sqrt(x * x + 1e-12), x),)


@MUTANTS.add("an epsilon keeps the slope finite", "edge.gradient[square_root]", "sqrt.at-zero", part="_vjp")
def keeps_the_slope_finite(x, g, **given):
    return (as_given(g * 0.5 / np.sqrt(x + 1e-12), x),)


@MUTANTS.add("an epsilon in the second selection", "edge.gradient[masked_square_root]", part="_vjp")
def masks_small_numbers_too(x, g, **given):
    return (as_given(np.where(x > 1e-12, g * 0.5 / np.sqrt(np.maximum(x, 1e-12)), 0), x),)


@MUTANTS.add("the slope at a bound reaches beyond it", "edge.gradient[clamp]", part="_vjp")
def sees_the_bound_with_a_tolerance(x, g, *, minimum, maximum, **given):
    on = near(x, minimum) | near(x, maximum)
    return (as_given(g * np.where(on, 0.5, (x > minimum) & (x < maximum)), x),)


@MUTANTS.add("a small exponent counts as 0", "edge.gradient[power]", part="_vjp")
def takes_a_small_exponent_for_zero(x, exponent, g, **given):
    return right.power_vjp(x, np.where(near(exponent, 0), np.zeros_like(exponent), exponent), g, **given)


@MUTANTS.add("factors near 0 count as 0", "edge.gradient[product_reduction]", part="_vjp")
def takes_a_small_factor_for_zero(x, g):
    return right.product_reduction_vjp(np.where(near(x, 0), np.zeros_like(x), x), g)


@MUTANTS.add("a norm below a threshold counts as 0", "edge.gradient[euclidean_norm]", part="_vjp")
def takes_a_small_norm_for_zero(x, g, **given):
    norm = np.sqrt((x.astype(np.float64) ** 2).sum(-1, keepdims=True))
    return (as_given(g[..., None] * np.where(norm < 1e-8, 0.0, x / np.where(norm == 0, 1, norm)), x),)


# ---- ties


@MUTANTS.add("every one of the largest gets the whole gradient, as in one framework", "max.tie-subgradient", "max.tie",
             part="_vjp")  # fmt: skip
def gives_every_winner_all(x, g, **given):
    return (as_given(g[..., None] * (x == x.max(-1, keepdims=True)), x),)


@MUTANTS.add("a smooth maximum leaks to what is not largest", "max.tie-subgradient", "max.tie", part="_vjp")
def shares_by_a_softmax(x, g, **given):
    e = np.exp(x - x.max(-1, keepdims=True))
    return (as_given(g[..., None] * e / e.sum(-1, keepdims=True), x),)


@MUTANTS.add("winners are divided by the number of entries, not of winners", "max.tie-subgradient", part="_vjp")
def divides_by_all_entries(x, g, **given):
    return (as_given(g[..., None] * (x == x.max(-1, keepdims=True)) / x.shape[-1], x),)


@MUTANTS.add("each side compares with > and neither wins at a tie", "maximum.tie", part="_vjp")
def loses_the_gradient_at_a_tie(x, y, g, **given):
    return as_given(g * (x > y), x), as_given(g * (y > x), y)


@MUTANTS.add("each side compares with >= and both win at a tie", "maximum.tie", part="_vjp")
def doubles_the_gradient_at_a_tie(x, y, g, **given):
    return as_given(g * (x >= y), x), as_given(g * (y >= x), y)


@MUTANTS.add("closed below, open above", "clamp.at-bounds", part="_vjp")
def counts_one_bound_only(x, g, *, minimum, maximum, **given):
    return (as_given(g * ((x >= minimum) & (x < maximum)), x),)


@MUTANTS.add("straight through: a clip that passes everything", "clamp.at-bounds", "edge.gradient[clamp]", part="_vjp")
def passes_straight_through(x, g, **given):
    return (g,)


# ---- zeros


@MUTANTS.add("the sign by its bit: -0 has the slope -1", "abs.at-zero", part="_vjp")
def takes_the_sign_bit(x, g, **given):
    return (as_given(g * np.copysign(1, x), x),)


@MUTANTS.add("the absolute value by a root, 0/0 at 0", "abs.at-zero", part="_vjp")
def divides_by_the_absolute_value(x, g, **given):
    return (as_given(g * x / np.abs(x), x),)


@MUTANTS.add("an epsilon inside the root", "norm.at-zero", "edge.gradient[euclidean_norm]", part="_vjp")
def adds_an_epsilon_inside_the_root(x, g, **given):
    norm = np.sqrt((x.astype(np.float64) ** 2).sum(-1, keepdims=True) + 1e-4)
    return (as_given(np.where(norm == 0.01, 1.0, x / norm) * g[..., None], x),)


@MUTANTS.add("the slope is cut at a large number", "sqrt.at-zero", part="_vjp")
def cuts_the_slope(x, g, **given):
    return (as_given(g * np.minimum(0.5 / np.sqrt(x), 1e6), x),)


@MUTANTS.add("an epsilon inside the root of every number", "sqrt.at-zero", "sqrt.zero-cotangent", part="_vjp")
def adds_an_epsilon(x, g, **given):
    return (as_given(g * (0.5 / np.sqrt(x + 1e-4)) + (g == 0) * 1e-3, x),)


@MUTANTS.add("0 to the power 0 is 0", "power.zero-exponent")
def is_zero_at_zero_to_the_zero(x, exponent, **given):
    return np.where(x == 0, np.zeros_like(x), right.power(x, exponent, **given))


@MUTANTS.add("an exponent of 0 is raised to a small number", "power.zero-exponent", part="_vjp")
def replaces_an_exponent_of_zero(x, exponent, g, **given):
    return right.power_vjp(x, np.where(exponent == 0, x.dtype.type(1e-3), exponent), g, **given)


@MUTANTS.add("the logarithm of 0, times 0", "power.zero-base", part="_vjp")
def takes_the_logarithm_of_zero(x, exponent, g, **given):
    return right.power_vjp(x, exponent, g, **given)[0], as_given(g * np.power(x, exponent) * np.log(x), x)


@MUTANTS.add("the logarithm of a number near 0 in place of 0", "power.zero-base", part="_vjp")
def adds_an_epsilon_to_the_logarithm(x, exponent, g, **given):
    near = x + x.dtype.type(1e-6)
    return right.power_vjp(x, exponent, g, **given)[0], as_given(g * np.power(near, exponent) * np.log(near), x)


@MUTANTS.add("a double selection hides the base 0 in the backward pass", "power.zero-base", part="_vjp")
def gives_zero_for_a_zero_base(x, exponent, g, **given):
    for_x, for_exponent = right.power_vjp(x, exponent, g, **given)
    return np.where(x == 0, np.zeros_like(x), for_x), for_exponent


@MUTANTS.add("the exponential of a logarithm that is kept away from 0", "power.zero-base")
def keeps_the_base_from_zero(x, exponent, **given):
    return as_given(np.exp(exponent * np.log(np.maximum(x, x.dtype.type(1e-6)))), x)


@MUTANTS.add("the whole product divided by the factor: 0/0", "product.zero-factor", part="_vjp")
def divides_the_whole_by_the_factor(x, g, **given):
    return (as_given((g * x.prod(-1))[..., None] / x, x),)


@MUTANTS.add("0 wherever a factor is 0", "product.zero-factor", part="_vjp")
def gives_zero_for_a_zero_factor(x, g, **given):
    return (as_given(np.where(x == 0, 0, right.product_reduction_vjp(x, g)[0]), x),)


@MUTANTS.add("with one 0 all others are skipped, so that two zeros look like one", "product.zero-factor", part="_vjp")
def skips_all_zeros(x, g, **given):
    others = np.where(x == 0, 1, x).prod(-1, keepdims=True)
    return (as_given(np.where(x == 0, others, right.product_reduction_vjp(x, g)[0] / g[..., None]) * g[..., None], x),)


# ---- branches


@MUTANTS.add("the mask is multiplied with the branch in the backward pass", "where.untaken-value", part="_vjp")
def multiplies_the_gradient_by_the_branch(condition, x, y, g):
    return as_given(condition * g * (x == x) + 0 * x, x), as_given(~condition * g + 0 * y, y)


@MUTANTS.add("a selection written as a sum of masked products: NaN times 0", "where.untaken-value")
def adds_masked_products(condition, x, y):
    return as_given(condition * x + ~condition * y, x)


@MUTANTS.add("the root of the absolute value where there is none", "where.untaken-branch")
def takes_the_root_of_every_number(x, **given):
    return as_given(np.sqrt(np.abs(x)), x)


@MUTANTS.add("straight through the selection: both branches get the gradient", "where.untaken-value", part="_vjp")
def gives_both_branches_the_gradient(condition, x, y, g):
    return g, g


@MUTANTS.add("the root of the absolute value in the branch not taken", "where.untaken-branch", part="_vjp")
def takes_the_root_of_the_absolute_value(x, g, **given):
    return (as_given(g * np.sign(x) * 0.5 / np.sqrt(np.abs(x) + 1e-3), x),)


# ---- shared, cut off, unused


@MUTANTS.add("rows are written, not added: the last use wins", "embedding-lookup.repeated-ids", part="_vjp")
def keeps_the_last_of_repeated_ids(table, ids, g):
    gradient = np.zeros_like(table)
    gradient[ids] = g
    return (gradient,)


@MUTANTS.add("the gradient is divided by how often the row comes", "embedding-lookup.repeated-ids", part="_vjp")
def averages_repeated_ids(table, ids, g):
    total = right.embedding_lookup_vjp(table, ids, g)[0]
    return (as_given(total / np.maximum(np.bincount(ids.ravel(), minlength=len(table)), 1)[:, None], table),)


@MUTANTS.add(
    "a kernel for long lists leaves out what comes after 768 uses", "embedding-lookup.repeated-ids", part="_vjp"
)
def stops_after_768(table, ids, g):
    return right.embedding_lookup_vjp(table, ids[:768], g[:768])


@MUTANTS.add("the loop goes over the first axis of the ids", "embedding-lookup.repeated-ids", part="_vjp")
def uses_the_first_ids_of_each_row(table, ids, g):
    return right.embedding_lookup_vjp(table, ids if ids.ndim == 1 else ids[:, 0], g if ids.ndim == 1 else g[:, 0])


@MUTANTS.add("nothing is cut off", "stopped-gradient.zero", "edge.gradient[stopped_gradient]", part="_vjp")
def lets_the_gradient_through(x, y, g):
    return g * y, g * x


@MUTANTS.add("the whole product is cut off", "stopped-gradient.zero", part="_vjp")
def cuts_the_whole_product_off(x, y, g):
    return np.zeros_like(x), np.zeros_like(y)


@MUTANTS.add("what is not used gets ones, the start of the backward pass", "unused-parameter.zero", part="_vjp")
def gives_ones_to_what_is_not_used(x, unused, g):
    return right.unused_parameter_vjp(x, unused, g)[0], np.ones_like(unused)


@MUTANTS.add("what is not used gets NaN, the sign of a missing value", "unused-parameter.zero", part="_vjp")
def marks_what_is_not_used(x, unused, g):
    return right.unused_parameter_vjp(x, unused, g)[0], np.full_like(unused, np.nan)


@MUTANTS.add("the mean of the results is differentiated", "gradient-of-squares.nonscalar")
def differentiates_the_mean(x, *, nonscalar="refused"):
    return as_given(2 * x / max(x.size, 1), x)
