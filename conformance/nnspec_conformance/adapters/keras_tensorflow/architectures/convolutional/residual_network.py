"""A residual network on TensorFlow."""

from __future__ import annotations

from nnspec_conformance.adapters.keras_tensorflow.kernels import bias_gradient_stops

KNOWN_FAILURES = {
    "duty.sizes[residual_network]; bfloat16": (
        "a bias's gradient over 459 places is -0.00272 in bfloat16, right is -0.00200, which the places' own gradients "
        "add up to: BiasAddGrad adds in bfloat16, and makes 256 of 459 ones; searched 2026-11-29, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/core/kernels/bias_op.cc",
        bias_gradient_stops,
    ),
}
