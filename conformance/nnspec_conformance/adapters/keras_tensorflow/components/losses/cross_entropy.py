"""Keras' losses on TensorFlow."""

from __future__ import annotations

KNOWN_FAILURES = {
    "duty.nan[sigmoid_binary_cross_entropy]": (
        "a logit of inf with the target 0.24 costs NaN, right is inf: in max(x, 0) - x t infinity meets infinity; "
        "https://github.com/tensorflow/tensorflow/issues/75256"
    ),
    "duty.second[softmax_cross_entropy]": (
        "by the target it is 0, right is -0.7505: the rule of the operation has no gradient from its second result, "
        "the gradient of the logits, to the labels; https://github.com/tensorflow/tensorflow/issues/26495"
    ),
    "cross-entropy.clipping[cross_entropy_with_integer_labels]": (
        "a certain prediction costs 4e-7 for 5 classes, right is 1e-7: the logarithms of the clipped probabilities go "
        "through a softmax, which divides them by their sum, 1 + 3e-7; searched 2026-11-27, not found; "
        "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/tensorflow/nn.py"
    ),
}
