"""Attention on TensorFlow."""

from __future__ import annotations

from functools import partial

from nnspec_conformance.adapters.keras_tensorflow.kernels import mean_is_short, softmax_is_short, softmax_loses_nan

KNOWN_FAILURES = {
    "attention.one-key; float32": (
        "with a single key the result is -0.528380275 in float32, right is the value, -0.528380334: the softmax of one "
        "score is 1 less an ulp in Eigen's kernel, which is taken where oneDNN's is not; "
        "https://github.com/tensorflow/tensorflow/issues/116933",
        softmax_is_short,
    ),
    "attention.half-precision-sum; bfloat16": (
        "the mean of 1,024 values of -1 is -0.5 in bfloat16, right is -1: Einsum adds in bfloat16, in which 0.5 and "
        "2^-10 make 0.5 (inferred from the result; a product of the same matrices is right); "
        "searched 2026-11-30, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/core/kernels/linalg/einsum_op_impl.h",
        mean_is_short,
    ),
    "duty.diverged[attention]; float32": (
        "with NaN in the bias of one score the gradients of values whose weights are NaN are 0, right is NaN: the "
        "softmax gives NaN there and 0 in the rest of the row, by oneDNN's kernel; right with TF_ENABLE_ONEDNN_OPTS=0; "
        "searched 2026-11-29, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/core/kernels/mkl/mkl_softmax_op.cc",
        partial(softmax_loses_nan, "float32"),
    ),
    "duty.sizes[attention]; float64, float16": (
        "with a depth of 17 an entry is 0.006565144 in float64, right is 0.006565131: the scale is rounded to float32; "
        "in float16 a gradient is 0, right is 1.7e-7: those of the scores underflow; searched 2026-11-28, not found; "
        "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/tensorflow/nn.py"
    ),
}
