"""The loss classes of ``keras.losses``; labels come first there."""

from __future__ import annotations

from typing import Any

import keras

VARIANTS = {
    "cross-entropy.clipping": "seven-digits",
    "cross-entropy.long-sums": "rounded",  # the number of losses is cast to their dtype: 80,000 is infinite in float16
    "cross-entropy.normalization": "divided",
    "cross-entropy.target-slope": "clipped",
    "sample-weights.weighted-mean": ("count", "weights"),
    "sample-weights.zero-times-infinity": "multiplied",
}
DEFAULTS = {"cross-entropy.default-reduction": "mean"}

KERAS = "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/"
LOSSES = f"{KERAS}losses/"
EMPTY = (
    "the mean of an empty batch is an array of no losses, right is 0: the reduction returns an empty vector as it is; "
    "searched 2026-11-27, not found; "
)
UNCHECKED = (
    "entries are not looked at, and probabilities below 0 and rows that do not sum to 1 are clipped or divided, right "
    "is a refusal; searched 2026-11-27, not found; "
)
# Measured: what was asked, what came, what is right, and why.
KNOWN_FAILURES = {
    "cross-entropy.large-labels; float16, bfloat16": (
        "with bfloat16 the label 299 counts as 300, and 69,999 as 70,144, which is no class, right is to keep them: "
        "labels are cast to the dtype of the loss; https://github.com/keras-team/keras/issues/15012"
    ),
    "softmax-cross-entropy.minus-infinity[softmax_cross_entropy]": (
        "a logit of -inf at a class of target 0 gives NaN, right is the loss of the other logits: the target 0 is "
        f"multiplied by the log-probability -inf, in categorical_crossentropy of the backend; "
        f"searched 2026-11-27, not found; {KERAS}backend/jax/nn.py"
    ),
    **{
        f"cross-entropy.empty-mean[{name}]": f"{EMPTY}{LOSSES}loss.py"
        for name in (
            "softmax_cross_entropy_with_integer_labels", "softmax_cross_entropy", "cross_entropy_with_integer_labels",
            "cross_entropy", "sigmoid_binary_cross_entropy", "binary_cross_entropy", "kl_divergence",
        )
    },
    "softmax-cross-entropy.smoothing-range[softmax_cross_entropy]": (
        "label_smoothing -0.1 and 1.5 are taken, right is a refusal: no range is checked; "
        "https://github.com/keras-team/keras/pull/23504"
    ),
    **{
        f"cross-entropy.improper-probabilities[{name}]": f"{UNCHECKED}{LOSSES}losses.py"
        for name in ("cross_entropy_with_integer_labels", "cross_entropy", "binary_cross_entropy", "kl_divergence")
    },
    "duty.broadcasting[kl_divergence]": (
        f"a target of one row is broadcast to six, right is a refusal: no shape is compared; "
        f"searched 2026-11-27, not found; {LOSSES}losses.py"
    ),
    **{
        f"duty.broadcasting[{name}]": (
            f"a last axis of length one more is squeezed, in a target or a prediction, right is a refusal; "
            f"searched 2026-11-27, not found; {LOSSES}loss.py"
        )
        for name in (
            "softmax_cross_entropy_with_integer_labels", "softmax_cross_entropy", "cross_entropy_with_integer_labels",
            "cross_entropy", "sigmoid_binary_cross_entropy", "binary_cross_entropy",
        )
    },
}  # fmt: skip
REDUCTIONS = {"mean": "sum_over_batch_size", "sum": "sum", "none": "none"}


def _told(given: dict[str, Any]) -> dict[str, Any]:
    if "positive_weight" in given:
        raise NotImplementedError("no positive weight")
    renamed = {"ignore_label": "ignore_class"}
    told: dict[str, Any] = {renamed.get(name, name): value for name, value in given.items()}
    divides_by = told.pop("weighted_mean", "count")
    if "reduction" in told:
        told["reduction"] = REDUCTIONS[told["reduction"]]
        if divides_by == "weights" and told["reduction"] == "sum_over_batch_size":
            told["reduction"] = "mean_with_sample_weight"
    return told


def softmax_cross_entropy_with_integer_labels(logits, labels, *weights, **given):
    if weights or "label_smoothing" in given:
        raise NotImplementedError("SparseCategoricalCrossentropy has neither class weights nor label smoothing")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype=logits.dtype, **_told(given))
    return loss(labels, logits)


def softmax_cross_entropy(logits, target, *weights, **given):
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, dtype=logits.dtype, **_told(given))
    return loss(target, logits, *weights)


def cross_entropy_with_integer_labels(probabilities, labels, **given):
    return keras.losses.SparseCategoricalCrossentropy(dtype=probabilities.dtype, **_told(given))(labels, probabilities)


def cross_entropy(probabilities, target, **given):
    return keras.losses.CategoricalCrossentropy(dtype=probabilities.dtype, **_told(given))(target, probabilities)


def kl_divergence(p, q, **given):
    return keras.losses.KLDivergence(dtype=p.dtype, **_told(given))(p, q)


def sigmoid_binary_cross_entropy(logits, target, *weights, **given):
    loss = keras.losses.BinaryCrossentropy(from_logits=True, dtype=logits.dtype, **_told(given))
    return _binary(loss, logits, target, *weights)


def binary_cross_entropy(probabilities, target, *weights, **given):
    loss = keras.losses.BinaryCrossentropy(dtype=probabilities.dtype, **_told(given))
    return _binary(loss, probabilities, target, *weights)


def _binary(loss, prediction, target, *weights):
    return loss(target[..., None], prediction[..., None], *weights)  # the last axis, of which Keras takes the mean
