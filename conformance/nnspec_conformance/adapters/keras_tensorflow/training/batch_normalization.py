"""Batch normalization on TensorFlow, computed as x a + b."""

from __future__ import annotations

from nnspec_conformance.adapters.keras.training.batch_normalization import LAYER, UNTIDY

INFINITE = (
    "an infinity in the scale gives NaN where an infinity is right: the layer computes x a + b with b = -mean a, and "
    f"infinity minus infinity is NaN; searched 2026-11-28, not found; {LAYER}"
)
SMALLER = (
    "in float64 a result is off by 3.5e-8, right is the quotient: the sum of those that take part is divided by their "
    f"number plus 1e-7; searched 2026-11-28, not found; {LAYER}"
)
KNOWN_FAILURES = {
    "masked-batch-norm.value; float64": SMALLER,
    "masked-batch-norm.gradient; float64": SMALLER,
    "duty.nan[masked_batch_norm]": INFINITE,
    "batch-norm.constant-feature": UNTIDY,
    "batch-norm.single": UNTIDY,
    "batch-norm.large-mean": (
        "for a feature of mean 10,000 and deviation 1 1.28320 comes, right is 1.28724, and rounding the feature and "
        "its mean moves it by 0.0031 at most: the layer computes x a + b, which cancels; "
        f"searched 2026-11-28, not found; {LAYER}"
    ),
    "duty.second[batch_norm]": (
        "the gradient of the gradient is -0.352 along a direction, right is -0.369: tf.nn.moments cuts the mean off in "
        "the squared differences, which changes no gradient, as deviations add up to 0, but the gradient of the "
        "gradient; searched 2026-11-28, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_impl.py"
    ),
    "duty.nan[batch_norm]": INFINITE,
    "duty.nan[batch_norm_eval]": INFINITE,
}
