"""Wrong cross-entropies: weights of classes and of examples, and labels that count for nothing."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.adapters.numpy_oracle.rounding import in_dtype
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.components import activations
from nnspec_conformance.oracles.components.losses import cross_entropy as oracle

MUTANTS = Mutants()
INTEGER = "softmax_cross_entropy_with_integer_labels"

# ---- of the classes


@MUTANTS.add("the weights are those of the classes in another order", "class-weights.value")
def reverses_the_weights(x, y, *weights, **given):
    return getattr(right, INTEGER)(x, y, *(w[::-1] for w in weights), **given)


@MUTANTS.add("the weights are lost in the backward pass", "class-weights.value", part="_vjp")
def forgets_the_weights_on_the_way_back(x, y, *rest, **given):
    *weights, g = rest
    return (getattr(right, f"{INTEGER}_vjp")(x, y, g, **given)[0], *map(np.zeros_like, weights))


@MUTANTS.add("the weight of the label multiplies the smoothed loss", "class-weights.smoothed-weights")
def weights_the_whole_smoothed_loss(x, y, *weights, **given):
    return getattr(right, INTEGER)(x, y, *weights, **given | {"smoothed_weights": "label"})


# ---- of the examples


@MUTANTS.each("the weights are taken and not used", "sample-weights.value")
def forgets_the_weights(f, x, t, *weights, **given):
    return f(x, t, *(np.ones_like(w) for w in weights), **given)


@MUTANTS.each("the weights of the examples before, after a shuffle that left them out", "sample-weights.value")
def shuffles_without_the_weights(f, x, t, *weights, **given):
    return f(x, t, *(np.roll(w, 1) for w in weights), **given)


@MUTANTS.each("a root of the weight, which a squared loss has", "sample-weights.value")
def takes_the_root_of_the_weights(f, x, t, *weights, **given):
    return f(x, t, *map(np.sqrt, weights), **given)


@MUTANTS.each("the weights are lost in the backward pass", "sample-weights.value", part="_vjp")
def forgets_the_weights_of_examples_on_the_way_back(f, x, t, *rest, **given):
    *weights, g = rest
    return (*f(x, t, g, **given), *map(np.zeros_like, weights))


@MUTANTS.each("the mean divides by the number of weights that are not 0", "sample-weights.weighted-mean")
def divides_by_the_weights_that_are_not_0(f, x, t, *weights, reduction="none", **given):
    if reduction != "mean" or not weights:
        return f(x, t, *weights, reduction=reduction, **given)
    return (f(x, t, *weights, reduction="sum", **given) / np.count_nonzero(weights[0])).astype(x.dtype)


@MUTANTS.each("weights of 0 are multiplied by infinite losses", "sample-weights.zero-times-infinity")
def multiplies_infinite_losses(f, x, t, *weights, **given):
    return f(x, t, *weights, **given | {"zero_times_infinity": "multiplied"})


@MUTANTS.each("the mean of weights of 0 is 0 / 0", "cross-entropy.zero-weights")
def divides_by_no_weight(f, x, t, *weights, **given):
    return f(x, t, *weights, **given | {"zero_weights": "nan"})


# ---- ignored labels


@MUTANTS.add("an ignored label counts as the last class", "ignored-labels.value", "ignored-labels.ignored-mean")
def takes_an_ignored_label_for_a_class(x, y, *weights, ignore_label=None, **given):
    return getattr(right, INTEGER)(x, y % x.shape[-1], *weights, **given)


@MUTANTS.add("label smoothing is spread over ignored examples too", "ignored-labels.value")
@in_dtype
def smooths_ignored_examples(x, y, *weights, label_smoothing=0.0, ignore_label=None, **given):
    told = given | {"reduction": "none", "ignore_label": ignore_label}
    losses = getattr(oracle, INTEGER)(x, y, *weights, **told) * (1 - label_smoothing)
    return losses - label_smoothing * activations.log_softmax(x).mean(-1)


@MUTANTS.add("the gradient of an ignored label is that of class 0", "ignored-labels.value", part="_vjp")
def passes_a_gradient_to_ignored_examples(x, y, *rest, ignore_label=None, **given):
    return getattr(right, f"{INTEGER}_vjp")(x, np.where(y == ignore_label, 0, y).astype(y.dtype), *rest, **given)


@MUTANTS.add("the mean over nothing is 0 / 0", "ignored-labels.all-ignored")
def divides_zero_by_zero(x, y, *weights, **given):
    return getattr(right, INTEGER)(x, y, *weights, **given | {"all_ignored": "nan"})


@MUTANTS.add("a default of another framework", "ignored-labels.default-label")
def ignores_minus_100(x, y, *weights, ignore_label=-100, **given):
    return getattr(right, INTEGER)(x, y, *weights, ignore_label=ignore_label, **given)


# ---- refusals


@MUTANTS.add("a weight is whatever it is", "class-weights.negative-weight")
def takes_negative_weights(x, y, *weights, **given):
    return getattr(right, INTEGER)(x, y, *map(np.abs, weights), **given)
