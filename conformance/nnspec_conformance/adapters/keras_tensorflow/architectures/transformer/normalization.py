"""Layer norm on TensorFlow."""

from __future__ import annotations

from nnspec_conformance.adapters.keras.architectures.transformer.normalization import UNTIDY

KNOWN_FAILURES = {
    "layer-norm.constant-row": UNTIDY,
    "duty.second[layer_norm]": (
        "the gradient of the gradient is 67.0 along a direction, right is 29.4: tf.nn.moments cuts the mean off in the "
        "squared differences, which changes no gradient, as deviations add up to 0, but the gradient of the gradient; "
        "searched 2026-11-28, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_impl.py"
    ),
}
