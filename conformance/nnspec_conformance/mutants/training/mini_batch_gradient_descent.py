"""Wrong mini-batch gradients, each met in the wild, each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants

MUTANTS = Mutants(straight=["mini_batch_gradient"])

EXAMPLE, COMBINE, REPEATED, SINGLE, UNBIASED, VARIANCE, REPLACEMENT, GRADIENT = (
    f"mini-batch-gradient.{aspect}"
    for aspect in ("example", "combine", "repeated", "single", "unbiased", "variance", "replacement", "gradient")
)


def times(g, factor):
    return np.asarray(g * factor, g.dtype)


# ---- which rows


@MUTANTS.add("the first rows of the data are taken, whatever the indices", EXAMPLE, COMBINE, SINGLE, VARIANCE)
def takes_the_first_rows(gradients, indices, **given):
    return right.mini_batch_gradient(gradients, np.arange(len(indices)) % len(gradients), **given)


@MUTANTS.add("a loader reads a block from the first index on", EXAMPLE, COMBINE, VARIANCE)
def reads_a_block(gradients, indices, **given):
    block = (indices[:1] + np.arange(len(indices))) % len(gradients)
    return right.mini_batch_gradient(gradients, block, **given)


@MUTANTS.add("indices are counted from 1", EXAMPLE, COMBINE, SINGLE)
def counts_from_1(gradients, indices, **given):
    return right.mini_batch_gradient(gradients, (indices - 1) % len(gradients), **given)


@MUTANTS.add("a slice that ends one too early", EXAMPLE, COMBINE, UNBIASED, VARIANCE)
def leaves_the_last_index_out(gradients, indices, **given):
    left = right.mini_batch_gradient(gradients, indices[:-1] if len(indices) > 1 else indices, **given)
    return left if len(indices) == 1 or given.get("combine") == "sum" else times(left, 1 - 1 / len(indices))


@MUTANTS.add("the indices go through a set, and a repeated example counts once", REPEATED, REPLACEMENT)
def takes_each_example_once(gradients, indices, **given):
    return right.mini_batch_gradient(gradients, np.unique(indices), **given)


@MUTANTS.add("the last example is never drawn: an upper end that is left out", COMBINE, SINGLE, UNBIASED)
def never_takes_the_last_example(gradients, indices, **given):
    return right.mini_batch_gradient(gradients, np.minimum(indices, len(gradients) - 2), **given)


# ---- by what it is divided


@MUTANTS.add("the sum is divided by the number of examples in the data set", EXAMPLE, COMBINE, SINGLE, UNBIASED)
def divides_by_all_examples(gradients, indices, **given):
    return times(right.mini_batch_gradient(gradients, indices, **given), len(indices) / len(gradients))


@MUTANTS.add("the configured batch size stands in the loss, and the last batch is shorter", SINGLE, COMBINE)
def divides_by_the_size_of_the_first_batch(gradients, indices, **given):
    return times(right.mini_batch_gradient(gradients, indices, **given), len(indices) / 4)


@MUTANTS.add("divided by one less, as a variance is", EXAMPLE, COMBINE, UNBIASED)
def divides_by_one_less(gradients, indices, **given):
    return times(right.mini_batch_gradient(gradients, indices, **given), len(indices) / max(len(indices) - 1, 1))


@MUTANTS.add("the sum of all draws is divided by the number of different ones", REPEATED, REPLACEMENT)
def divides_by_the_different_ones(gradients, indices, **given):
    return times(right.mini_batch_gradient(gradients, indices, **given), len(indices) / len(np.unique(indices)))


@MUTANTS.add("scaled by the root of the batch size, as a rule for the rate built into the gradient", COMBINE, VARIANCE)
def scales_with_the_root_of_the_size(gradients, indices, **given):
    return times(right.mini_batch_gradient(gradients, indices, **given), len(indices) ** 0.5)


@MUTANTS.add("the median of the batch, to be robust: it is biased", COMBINE, UNBIASED)
def takes_the_median(gradients, indices, *, combine="mean"):
    middle = np.median(gradients[indices].astype(np.float64), axis=0)
    return np.asarray(middle * (1 if combine == "mean" else len(indices)), gradients.dtype)


# ---- the way back


@MUTANTS.add("a scatter that assigns: a repeated row gets its gradient once", GRADIENT, part="_vjp")
def assigns_in_place_of_adding_on_the_way_back(gradients, indices, cotangents, **given):
    (g,) = right.mini_batch_gradient_vjp(gradients, indices, cotangents, **given)
    named = np.maximum(np.bincount(indices, minlength=len(gradients)), 1)
    return (np.asarray(g / named[:, None], g.dtype),)


@MUTANTS.add("the mean is not undone in the backward pass", GRADIENT, part="_vjp")
def hands_the_whole_cotangent_to_each_row(gradients, indices, cotangents, **given):
    (g,) = right.mini_batch_gradient_vjp(gradients, indices, cotangents, **given)
    return (times(g, len(indices)),)


@MUTANTS.add("every row gets a share, named or not", GRADIENT, part="_vjp")
def spreads_the_cotangent_over_all_rows(gradients, indices, cotangents, **given):
    (g,) = right.mini_batch_gradient_vjp(gradients, indices, cotangents, **given)
    return (np.zeros_like(g) + g.mean(0, dtype=g.dtype),)


# ---- refusals


@MUTANTS.add("an index that is too large is brought into the range", "mini-batch-gradient.index-range")
def clamps_the_indices(gradients, indices, **given):
    return right.mini_batch_gradient(gradients, np.minimum(indices, len(gradients) - 1), **given)


@MUTANTS.add("an index that is too large starts again at 0", "mini-batch-gradient.index-range")
def wraps_the_indices(gradients, indices, **given):
    return right.mini_batch_gradient(gradients, np.where(indices < 0, indices, indices % len(gradients)), **given)


@MUTANTS.add("as NumPy indexes: padding trains on the last example", "mini-batch-gradient.negative-index")
def takes_minus_one_for_the_last_example(gradients, indices, **given):
    return right.mini_batch_gradient(gradients, np.where(indices < 0, indices + len(gradients), indices), **given)


@MUTANTS.add("the empty batch at the end of an epoch is a step of zeros", "mini-batch-gradient.empty")
def gives_zeros_for_an_empty_batch(gradients, indices, **given):
    return right.mini_batch_gradient(gradients, indices, **given) if len(indices) else np.zeros_like(gradients[0])
