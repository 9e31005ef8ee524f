"""Residual networks on TensorFlow."""

from __future__ import annotations

from functools import partial

from nnspec_conformance.adapters.keras_tensorflow.kernels import kernel_gradient_is_short

KNOWN_FAILURES = {
    "duty.sizes[residual_network]; bfloat16": (
        "an entry of the gradient of a kernel is -6.6e-7 in bfloat16, right is -9.8e-7: Eigen's matrix product keeps "
        "partial sums in bfloat16 (inferred from convolution.long-sums); searched 2026-11-30, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/core/kernels/conv_grad_filter_ops.cc",
        partial(kernel_gradient_is_short, "bfloat16"),
    )
}
