"""Batch normalization on PyTorch, computed from ``keras.ops.moments``."""

from __future__ import annotations

NARROW = (
    "in float64 result and gradient are right to the digits of float32 only: they are computed in the dtype that "
    "result_type makes of float64 and float32, which is float32; https://github.com/keras-team/keras/issues/23704"
)
ONE_PASS = (
    "of features with mean 10,000 and deviation 1 NaN comes, right is 0.4388 for the first entry: the variance is the "
    "mean of squares minus the square of the mean, and comes out negative; mended for two other backends by "
    "https://github.com/keras-team/keras/pull/18795"
)
CANCELLED = (
    "a gradient of -9.52340 comes, right is -9.52345: the variance is the mean of squares minus the square of the "
    "mean; mended for two other backends by https://github.com/keras-team/keras/pull/18795"
)
CLAUSES = (
    "batch-norm.value", "batch-norm.gradient", "batch-norm.gradient-sum", "batch-norm.gradient-along",
    "batch-norm.constant-feature", "batch-norm-eval.value", "batch-norm-eval.gradient", "batch-norm-update.mean",
    "batch-norm-update.variance", "duty.linear[batch_norm]", "duty.linear[batch_norm_eval]",
    "duty.sizes[batch_norm_eval]", "masked-batch-norm.value", "masked-batch-norm.gradient",
    "batch-norm-statistics.average", "duty.linear[masked_batch_norm]",
    "batch-norm-layer.value", "batch-norm-layer.gradient", "duty.linear[batch_norm_layer]",
)  # fmt: skip
KNOWN_FAILURES = {f"{clause}; float64": NARROW for clause in CLAUSES} | {
    "batch-norm.large-mean": ONE_PASS,
    "duty.layouts[batch_norm]": CANCELLED,
}
