"""The loss classes of ``keras.losses``; labels come first there."""

from __future__ import annotations

import keras

VARIANTS = {
    "cross-entropy.clipping": "seven-digits",
    "cross-entropy.normalization": "divided",
}
DEFAULTS = {"cross-entropy.default-reduction": "mean"}
REDUCTIONS = {"mean": "sum_over_batch_size", "sum": "sum", "none": "none"}


def _told(given):
    renamed = {"ignore_label": "ignore_class"}
    told = {renamed.get(name, name): value for name, value in given.items()}
    return told | ({"reduction": REDUCTIONS[told["reduction"]]} if "reduction" in told else {})


def softmax_cross_entropy_with_integer_labels(logits, labels, **given):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype=logits.dtype, **_told(given))
    return loss(labels, logits)


def softmax_cross_entropy(logits, target, **given):
    return keras.losses.CategoricalCrossentropy(from_logits=True, dtype=logits.dtype, **_told(given))(target, logits)


def cross_entropy_with_integer_labels(probabilities, labels, **given):
    return keras.losses.SparseCategoricalCrossentropy(dtype=probabilities.dtype, **_told(given))(labels, probabilities)


def cross_entropy(probabilities, target, **given):
    return keras.losses.CategoricalCrossentropy(dtype=probabilities.dtype, **_told(given))(target, probabilities)


def kl_divergence(p, q, **given):
    return keras.losses.KLDivergence(dtype=p.dtype, **_told(given))(p, q)
