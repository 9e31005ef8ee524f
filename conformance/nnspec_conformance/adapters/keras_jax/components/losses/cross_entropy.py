"""Keras' losses on JAX: integer labels become one-hot rows."""

from __future__ import annotations

KERNELS = "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/jax/nn.py"
ONE_HOT = (
    "label 5 of 5 classes costs 0, right is a refusal: its one-hot row has no 1; searched 2026-11-27, not found; "
    + KERNELS
)
VARIANTS = {
    # In float16 70,000 exponentials have an infinite sum, and what is multiplied by 0 afterwards is NaN.
    "cross-entropy.long-rows[softmax_cross_entropy_with_integer_labels]": "rounded",
    "cross-entropy.long-rows[softmax_cross_entropy]": "rounded",
    "cross-entropy.long-rows[kl_divergence]": "rounded",  # in float16 the gradient is NaN
}
KNOWN_FAILURES = {
    "softmax-cross-entropy.minus-infinity[softmax_cross_entropy_with_integer_labels]": (
        "a logit of -inf at a wrong class gives NaN, right is the loss of the other logits: the one-hot row is "
        "multiplied by the log-probabilities, 0 times -inf; searched 2026-11-27, not found; " + KERNELS
    ),
    "duty.nan[softmax_cross_entropy_with_integer_labels]": (
        "a logit of -inf at a wrong class gives NaN, right is the loss of the other logits: the one-hot row is "
        "multiplied by the log-probabilities, 0 times -inf; searched 2026-11-28, not found; " + KERNELS
    ),
    "ignored-labels.default-label": (
        "the labels -100 and -1 cost 0 as if they were ignored, right is a refusal or a loss: their one-hot rows have "
        "no 1; searched 2026-11-27, not found; " + KERNELS
    ),
    "cross-entropy.label-range[softmax_cross_entropy_with_integer_labels]": ONE_HOT,
    "cross-entropy.label-range[cross_entropy_with_integer_labels]": ONE_HOT,
}
