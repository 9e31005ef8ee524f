"""Group norm on TensorFlow, computed as x a + b."""

from __future__ import annotations

from nnspec_conformance.adapters.keras.training.group_normalization import INFINITE, UNTIDY

SECOND = (
    "the gradient of the gradient is -6.16 along a direction, right is -5.01: tf.nn.moments cuts the mean off in the "
    "squared differences, which changes no gradient, as deviations add up to 0, but the gradient of the gradient; "
    "searched 2026-11-28, not found; "
    "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_impl.py"
)
KNOWN_FAILURES = {
    "group-normalization.constant[group_norm]": UNTIDY,
    "group-normalization.constant[instance_norm]": UNTIDY,
    "instance-norm.single": UNTIDY,
    "duty.second[group_norm]": SECOND,
    "duty.second[instance_norm]": SECOND,
    "duty.nan[group_norm]": INFINITE,
    "duty.nan[instance_norm]": INFINITE,
}
