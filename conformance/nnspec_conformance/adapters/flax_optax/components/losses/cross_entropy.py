"""The losses of Optax, which give one number an example and have no reduction."""

from __future__ import annotations

import jax.numpy as jnp
import optax
from jax.core import Tracer

VARIANTS = {
    "cross-entropy.long-rows[softmax_cross_entropy_with_integer_labels]": "rounded",  # infinite in float16
    "cross-entropy.long-rows[softmax_cross_entropy]": "rounded",  # with targets of 0 even NaN in float16
    "cross-entropy.long-rows[kl_divergence]": "rounded",  # the logarithms are
    "kl-divergence.direction": "second-from-first",
}

SOURCE = "https://github.com/google-deepmind/optax/blob/v0.2.8/optax/losses/_classification.py"
LARGE = (
    "logits with the offset 1e4 give 1.97949, right is 1.97922: the largest logit is added back to the logarithm of "
    "the sum before the label's logit is subtracted; searched 2026-11-27, not found; " + SOURCE
)  # fmt: skip
UNCHECKED = (
    "probabilities and targets are not looked at, and shapes are broadcast, right is a refusal; "
    "searched 2026-11-27, not found; " + SOURCE
)
# Measured: what was asked, what came, what is right, and why.
KNOWN_FAILURES = {
    "softmax-cross-entropy.offset[softmax_cross_entropy_with_integer_labels]": LARGE,
    "cross-entropy.large-logits[softmax_cross_entropy_with_integer_labels]": LARGE,
    "softmax-cross-entropy.minus-infinity[softmax_cross_entropy]": (
        "a logit of -inf at a class of target 0 gives NaN, right is the loss of the other logits; "
        "optax.safe_softmax_cross_entropy is the remedy; https://github.com/google-deepmind/optax/issues/896"
    ),
    "kl-divergence.both-zero": (
        "a class of probability 0 in both distributions gives NaN, right is 0: the function takes the logarithm of "
        "the prediction, and 0 is multiplied by -inf; https://github.com/google-deepmind/optax/pull/1786"
    ),
    "cross-entropy.label-range[softmax_cross_entropy_with_integer_labels]": (
        "label 5 of 5 classes gives NaN and -1 is counted from the end, right is a refusal; "
        "https://github.com/google-deepmind/optax/issues/1185"
    ),
    "duty.broadcasting[softmax_cross_entropy_with_integer_labels]": (
        "one label is taken for all six examples, right is a refusal: it is broadcast; "
        "searched 2026-11-27, not found; " + SOURCE
    ),
    "softmax-cross-entropy.smoothing-range[softmax_cross_entropy]": (
        "optax.smooth_labels takes -0.1 and 1.5, right is a refusal; searched 2026-11-27, not found; " + SOURCE
    ),
    "cross-entropy.improper-probabilities[kl_divergence]": UNCHECKED,
    "duty.broadcasting[softmax_cross_entropy]": UNCHECKED,
    "duty.broadcasting[sigmoid_binary_cross_entropy]": UNCHECKED,
    "duty.broadcasting[kl_divergence]": UNCHECKED,
}


def softmax_cross_entropy_with_integer_labels(logits, labels, *weights, **given):
    _only_reduction(given, *weights)
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels)


def softmax_cross_entropy(logits, target, sample_weights=None, *, label_smoothing=None, **given):
    _only_reduction(given)
    if label_smoothing is not None:
        target = optax.smooth_labels(target, label_smoothing)
    where = None if sample_weights is None else _mask(sample_weights)
    return optax.softmax_cross_entropy(logits, target, where=where)


def sigmoid_binary_cross_entropy(logits, target, *weights, **given):
    _only_reduction(given, *weights)
    return optax.sigmoid_binary_cross_entropy(logits, target)


def kl_divergence(p, q, **given):
    _only_reduction(given)
    return optax.losses.kl_divergence(jnp.log(p), q)


def _mask(weights):
    if isinstance(weights, Tracer) or not bool(((weights == 0) | (weights == 1)).all()):
        raise NotImplementedError("softmax_cross_entropy of Optax takes which examples count, and no weights")
    return weights == 1


def _only_reduction(given, *weights):
    if weights or given.pop("reduction", "none") != "none" or given:
        raise NotImplementedError("the losses of Optax have neither reduction nor weights nor ignored labels")
