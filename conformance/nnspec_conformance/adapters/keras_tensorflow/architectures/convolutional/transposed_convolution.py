"""Transposed convolutions on TensorFlow."""

from __future__ import annotations

KNOWN_FAILURES = {
    f"{duty}[{operation}]; dilation={dilation}": (
        "with a dilation of 3 or (2, 3) InvalidArgumentError is raised ('Current CPU implementations do not support "
        "dilation rates larger than 1'), right is the gradient; https://github.com/tensorflow/tensorflow/issues/69103"
    )
    for duty in ("duty.attributes", "duty.gradient", "duty.linear", "duty.second")
    for operation, dilation in (("transposed_convolution_1d", "(3,)"), ("transposed_convolution_2d", "(2, 3)"))
}
