"""Transposed convolutions on TensorFlow."""

from __future__ import annotations

from nnspec_conformance.adapters.keras_tensorflow.kernels import dilation_is_refused

VARIANTS = {"transposed-convolution.long-bias-sums": "rounded"}  # BiasAddGrad, which adds bfloat16 in bfloat16
REFUSED = (
    "with a dilation above 1 InvalidArgumentError is raised ('Current CPU implementations do not yet "
    "support dilation rates larger than 1'), right is {right}: Eigen's kernel, which is taken where oneDNN has none; "
    "https://github.com/tensorflow/tensorflow/issues/69103"
)
DILATIONS = {"transposed_convolution_1d": "(3,)", "transposed_convolution_2d": "(2, 3)"}
GRADIENTS = {"transposed_convolution_1d": "(2,)", "transposed_convolution_2d": "(2, 2)"}  # of their own clause
KNOWN_FAILURES = (
    {
        f"{duty}[{operation}]; dilation={dilation}, float32": (REFUSED.format(right=right), dilation_is_refused)
        for duty, right in (("duty.attributes", "the result"), ("duty.linear", "the gradient"))
        for operation, dilation in DILATIONS.items()
    }
    | {
        # of float64 on every processor: oneDNN has no kernels for it
        f"{duty}[{operation}]; dilation={dilation}, float64": REFUSED.format(right="the gradient")
        for duty in ("duty.gradient", "duty.second")
        for operation, dilation in DILATIONS.items()
    }
    | {
        f"transposed-convolution.gradient[{operation}]; dilation={dilation}, float32": (
            REFUSED.format(right="the gradient"),
            dilation_is_refused,
        )
        for operation, dilation in GRADIENTS.items()
    }
)
