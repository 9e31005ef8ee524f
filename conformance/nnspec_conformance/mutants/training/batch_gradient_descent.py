"""Wrong batch gradients and wrong steps, each met in the wild, each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.stepping import each_leaf

MUTANTS = Mutants()

EXAMPLE, MEAN, CHUNKS = (f"batch-gradient.{aspect}" for aspect in ("example", "mean", "chunks"))
SUBLINEAR, CONTRACTION, TOO_LARGE = (
    f"gradient-descent.{aspect}" for aspect in ("sublinear", "contraction", "too-large-rate")
)


def pieces(x, labels, chunk):
    """The data, so many examples at a time."""
    return [(x[i : i + chunk], labels[i : i + chunk]) for i in range(0, len(x), chunk)]


def means(x, labels, weights, chunk):
    """The right mean gradient of each piece."""
    return [right.batch_gradient(*part, weights, chunk=chunk) for part in pieces(x, labels, chunk)]


def times(gradients, factor):
    return {name: np.asarray(g * factor, g.dtype) for name, g in gradients.items()}


def total(gradients):
    """The sum of several gradients."""
    return {name: np.sum([g[name] for g in gradients], axis=0, dtype=gradients[0][name].dtype) for name in gradients[0]}


# ---- the mean


@MUTANTS.add("the sum over the examples, so that the rate must shrink as the data grow", EXAMPLE, MEAN)
def adds_the_examples_up(x, labels, weights, *, chunk):
    return times(right.batch_gradient(x, labels, weights, chunk=chunk), len(x))


@MUTANTS.add("the mean over examples and outputs, as a mean squared error of a framework takes it", MEAN)
def averages_over_the_outputs_too(x, labels, weights, *, chunk):
    return times(right.batch_gradient(x, labels, weights, chunk=chunk), 1 / labels.shape[1])


@MUTANTS.add("the squared error without its half", EXAMPLE, MEAN)
def forgets_the_half(x, labels, weights, *, chunk):
    return times(right.batch_gradient(x, labels, weights, chunk=chunk), 2)


@MUTANTS.add("divided by n - 1, as a variance is", MEAN)
def divides_by_one_less(x, labels, weights, *, chunk):
    return times(right.batch_gradient(x, labels, weights, chunk=chunk), len(x) / max(len(x) - 1, 1))


@MUTANTS.add("the bias is left out of the prediction", EXAMPLE, MEAN)
def predicts_without_the_bias(x, labels, weights, *, chunk):
    return right.batch_gradient(x, labels, weights | {"bias": 0 * weights["bias"]}, chunk=chunk)


@MUTANTS.add("label minus prediction: the step climbs", EXAMPLE, MEAN)
def has_the_sign_of_the_error_wrong(x, labels, weights, *, chunk):
    return times(right.batch_gradient(x, labels, weights, chunk=chunk), -1)


@MUTANTS.add("a loop that begins at 1 never sees the first example", MEAN)
def skips_the_first_example(x, labels, weights, *, chunk):
    return right.batch_gradient(x[1:] if len(x) > 1 else x, labels[1:] if len(x) > 1 else labels, weights, chunk=chunk)


# ---- pieces


@MUTANTS.add("unequal pieces get equal weights, as in gradient accumulation over tokens", CHUNKS)
def takes_the_mean_of_the_means_of_the_chunks(x, labels, weights, *, chunk):
    found = means(x, labels, weights, chunk)
    return times(total(found), 1 / len(found))


@MUTANTS.add("a loader that drops what does not fill a piece", CHUNKS, "duty.attributes[batch_gradient]")
def drops_the_short_last_chunk(x, labels, weights, *, chunk):
    whole = len(x) // chunk * chunk or len(x)
    return right.batch_gradient(x[:whole], labels[:whole], weights, chunk=chunk)


@MUTANTS.add("the gradients are set to zero before each piece", CHUNKS)
def keeps_the_last_chunk_only(x, labels, weights, *, chunk):
    return means(x, labels, weights, chunk)[-1]


@MUTANTS.add("the means of the pieces are added and never divided", CHUNKS)
def adds_the_means_of_the_chunks(x, labels, weights, *, chunk):
    return total(means(x, labels, weights, chunk))


@MUTANTS.add("the last piece is filled up with zeros, which count as examples", CHUNKS)
def counts_the_padding(x, labels, weights, *, chunk):
    padded = -(-len(x) // chunk) * chunk
    return times(right.batch_gradient(x, labels, weights, chunk=chunk), len(x) / padded)


@MUTANTS.add("a step after each piece: mini-batch gradient descent by mistake", CHUNKS)
def updates_the_weights_between_the_chunks(x, labels, weights, *, chunk):
    found, now = [], weights
    for part in pieces(x, labels, chunk):
        g = right.batch_gradient(*part, now, chunk=chunk)
        found.append(times(g, len(part[0]) / len(x)))
        now = {name: np.asarray(w - 0.1 * g[name], w.dtype) for name, w in now.items()}
    return total(found)


# ---- refusals


@MUTANTS.add("what is below 1 is taken for all examples", "batch-gradient.chunk-range")
def takes_a_chunk_of_0_for_all(x, labels, weights, *, chunk):
    return right.batch_gradient(x, labels, weights, chunk=chunk or len(x))


@MUTANTS.add("a loop over nothing gives zeros, and training stands still without a word", "batch-gradient.no-examples")
def gives_zeros_for_no_examples(x, labels, weights, *, chunk):
    if not len(x):
        return times(weights, 0)
    return right.batch_gradient(x, labels, weights, chunk=chunk)


# ---- steps


@MUTANTS.add("the rate is multiplied by a factor that nobody asked for", SUBLINEAR, CONTRACTION, TOO_LARGE)
@each_leaf
def steps_thirty_per_cent_too_far(p, g, *, learning_rate):
    return p - 1.3 * learning_rate * g


@MUTANTS.add("a velocity is left over from another optimizer", SUBLINEAR, CONTRACTION, TOO_LARGE)
@each_leaf
def has_a_velocity_nobody_asked_for(p, g, v, *, learning_rate):
    v = 0.1 * v + g
    return p - learning_rate * v, v


@MUTANTS.add("the rate falls with the root of the number of steps", SUBLINEAR, CONTRACTION, TOO_LARGE)
@each_leaf
def lets_the_rate_fall_with_the_root(p, g, *, t, learning_rate):
    return p - learning_rate / t**0.5 * g


@MUTANTS.add("entries of the gradient are clipped, and a rate that is too large never shows", TOO_LARGE)
@each_leaf
def clips_the_entries_of_the_gradient(p, g, *, learning_rate):
    return p - learning_rate * np.clip(g, -5, 5)


@MUTANTS.add("the gradient is divided by its length, and far from the minimum each step is as long", CONTRACTION)
@each_leaf
def walks_with_steps_of_one_length(p, g, *, learning_rate):
    return p - learning_rate * g / np.maximum(np.sqrt(np.sum(g * g)), 1)


@MUTANTS.add("the rate is halved where the gradient has grown: a line search nobody asked for", TOO_LARGE)
@each_leaf
def halves_the_rate_where_the_gradient_grows(p, g, last, *, t, learning_rate):
    grown = t > 1 and np.sum(g * g) > np.sum(last * last)
    return p - (0.5 if grown else 1.0) * learning_rate * g, g
