"""What TensorFlow's kernels do and fail below Keras."""

from __future__ import annotations

VARIANTS = {
    "activation.subnormals": "flushed",  # TensorFlow sets flush-to-zero and denormals-are-zero in its threads
    "activation.subnormals[elu]": "kept",  # handed through: a subnormal number is not below zero
    "selu.gradient-at-zero": "right",
}
# Measured: at which input, got, right, and why.
KNOWN_FAILURES = {
    "activation.limits[gelu]": (
        "gelu(-inf) is NaN, right is 0: both forms multiply -inf by a factor that is exactly 0; not reported; "
        "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/python/ops/nn_ops.py"
    ),
    "activation.limits[silu]": (
        "silu(-inf) is NaN, right is 0: x * sigmoid(x) is -inf * 0; not reported; "
        "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/python/ops/nn_impl.py"
    ),
    "activation.accuracy[leaky_relu]": (
        "leaky_relu(-19.99) with slope 0.2 is -3.99800006 in float64, right is -3.998: the op's attribute "
        "alpha is a float32; not reported; "
        "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/kernels/relu_op_functor.h"
    ),
    "activation.accuracy[elu]": (
        "elu(-1e-6) is -1.0133e-6 in float32 and elu(-2.2e-17) is 0 in float64, right is x: exp(x) - 1 "
        "cancels; https://github.com/tensorflow/tensorflow/issues/116943"
    ),
    "activation.accuracy[selu]": (
        "selu(-2.2e-19) is 0 in float64, right is -3.8e-19: exp(x) - 1 cancels; "
        "https://github.com/tensorflow/tensorflow/issues/116943"
    ),
    "activation.accuracy[gelu]": (
        "gelu(2) is 1.954499732 in float64, right is 1.954499736: the factors 0.7071067811865476 and "
        "0.7978845608028654 pass through float32; not reported; "
        "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/python/ops/nn_ops.py"
    ),
    "activation.tail[elu]": (
        "elu(-2.2e-17) is 0 in float64, right is -2.2e-17: exp(x) - 1 cancels; "
        "https://github.com/tensorflow/tensorflow/issues/116943"
    ),
    "activation.tail[selu]": (
        "selu(-2.2e-19) is 0 in float64, right is -3.8e-19: exp(x) - 1 cancels; "
        "https://github.com/tensorflow/tensorflow/issues/116943"
    ),
    "activation.tail[gelu]": (
        "tanh form: gelu(-7.1) is 0 in float64, right is -6.9e-16: 1 + tanh(u) cancels; not reported; "
        "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/python/ops/nn_ops.py"
    ),
    "activation.subnormals[relu]": (
        "relu(9e-39) is 0 in all of 16 elements, right for a subject that flushes, but 9e-39 in one element "
        "alone and in some of the last of 7509: packets flush, the remainder does not; not reported; "
        "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/kernels/relu_op_functor.h"
    ),
    "activation.gradient[leaky_relu]": (
        "the gradient at -2580 with slope 0.2 is 0.200000003 in float64, right is 0.2: the op's attribute "
        "alpha is a float32; not reported; "
        "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/kernels/relu_op_functor.h"
    ),
    "activation.gradient[selu]": (
        "the gradient at -2.2e-17 is 1.0507 in float64, right is 1.7581: it takes the branch of the output's "
        "sign, and the output there is rounded to 0; https://github.com/tensorflow/tensorflow/issues/124831"
    ),
    "activation.gradient[gelu]": (
        "tanh form: the gradient at -10000 in float16 is NaN, right is 0: the slope of x**3 overflows and is "
        "multiplied by 1 - tanh**2 = 0; not reported; "
        "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/python/ops/nn_ops.py"
    ),
    "activation.gradient-finite[gelu]": (
        "tanh form: the gradient at -1.9e19 and beyond is NaN in float32, right is 0: the slope of the cubic "
        "overflows and inf is multiplied by 0; not reported; "
        "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/python/ops/nn_ops.py"
    ),
    "activation.second-derivative[gelu]": (
        "at -2.4e-8 it is 0.797884547 in float64, right is 0.797884561: the factor 0.7071067811865476 passes "
        "through float32; not reported; "
        "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/python/ops/nn_ops.py"
    ),
    "leaky-relu.value": (
        "leaky_relu(-13.33) with slope 0.3 is -3.99900016 in float64, right is -3.999: the op's attribute "
        "alpha is a float32; not reported; "
        "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/kernels/relu_op_functor.h"
    ),
    "elu.value": (
        "elu(-1.9e-37) with alpha 1.75 is 0 in float64, right is -3.3e-37: exp(x) - 1 cancels; "
        "https://github.com/tensorflow/tensorflow/issues/116943"
    ),
    "softmax.nan[softmax]": (
        "a row with one NaN gives NaN there and 0 elsewhere in float32 and bfloat16, right is NaN in the "
        "whole row: oneDNN's kernel; right with TF_ENABLE_ONEDNN_OPTS=0; not reported; "
        "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/kernels/mkl/mkl_softmax_op.cc"
    ),
}
