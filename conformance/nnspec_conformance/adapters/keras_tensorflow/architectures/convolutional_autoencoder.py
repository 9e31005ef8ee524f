"""Convolutions on TensorFlow."""

from __future__ import annotations

KNOWN_FAILURES = {
    "duty.sizes[convolutional_autoencoder]; float16": (
        "an entry of the gradient of a kernel is 1.3e-6, right is 6.5e-7, which is what Conv2DBackpropFilter gives of "
        "the same operands in float32: partial sums are rounded to the smallest numbers of float16, 6.0e-8 apart "
        "(inferred from the result); searched 2026-11-29, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/core/kernels/conv_grad_filter_ops.cc"
    ),
    "duty.sizes[tied_convolutional_autoencoder]; float16": (
        "an entry of the gradient of the images is 0, right is 1.8e-7, three times the smallest number of float16: "
        "terms below half of that are lost before they are added (inferred from the result); "
        "searched 2026-11-29, not found; https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/core/kernels/conv_grad_input_ops.cc"
    ),
}
