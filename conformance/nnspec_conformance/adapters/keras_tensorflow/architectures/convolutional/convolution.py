"""Convolutions on TensorFlow."""

from __future__ import annotations

from functools import partial

from nnspec_conformance.adapters.keras_tensorflow.kernels import kernel_gradient_is_short

VARIANTS = {"convolution.long-bias-sums": "rounded"}  # BiasAddGrad, which adds bfloat16 in bfloat16
SHORT = (
    "the gradient of a kernel over 1,100 places is {found} in {dtype}, right is 7.56: Eigen's matrix product keeps "
    "partial sums in {dtype} (inferred from the result); searched {date}, not found; "
    "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/core/kernels/conv_grad_filter_ops.cc"
)
FOUND = {"float16": ("8.03", "2026-11-29"), "bfloat16": ("4", "2026-11-30")}
KNOWN_FAILURES = {
    f"convolution.long-sums[{operation}]; {dtype}": (
        SHORT.format(found=found, dtype=dtype, date=date),
        partial(kernel_gradient_is_short, dtype),
    )
    for operation in ("convolution_1d", "convolution_2d")
    for dtype, (found, date) in FOUND.items()
}
