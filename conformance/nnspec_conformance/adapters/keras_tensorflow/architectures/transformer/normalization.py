"""Layer norm on TensorFlow."""

from __future__ import annotations

from nnspec_conformance.adapters.keras.architectures.transformer.normalization import OPS, UNTIDY

KNOWN_FAILURES = {
    "layer-norm.constant-row": UNTIDY,
    "duty.nan[layer_norm]; float32": (
        "an infinity in the scale gives NaN where an infinity is right: the layer computes x a + b with b = -mean a, "
        f"and infinity minus infinity is NaN; searched 2026-11-29, not found; {OPS}"
    ),
    "duty.second[layer_norm]": (
        "the gradient of the gradient is 67.0 along a direction, right is 29.4: tf.nn.moments cuts the mean off in the "
        "squared differences, which changes no gradient, as deviations add up to 0, but the gradient of the gradient; "
        "searched 2026-11-28, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_impl.py"
    ),
}
