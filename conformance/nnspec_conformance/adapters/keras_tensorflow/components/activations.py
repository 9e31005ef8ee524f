"""What TensorFlow's kernels do and fail below Keras."""

from __future__ import annotations

from functools import partial

from nnspec_conformance.adapters.keras_tensorflow.kernels import softmax_is_short, softmax_loses_nan

VARIANTS = {
    "activation.numbers[leaky_relu]": "float32",  # the attribute alpha of the op is one
    "selu.gradient-at-zero": "right",
    "elu.gradient-nan": "number",
    "activation.half-precision": "steps",
    "activation.half-slopes": "steps",
    "softmax.small-slopes": "result",
    "softmax.long-rows": "rounded",
    "activation.small-slopes": "result",  # the rules of sigmoid, tanh, elu and selu take the result
    "activation.small-second-derivatives": "result",
}
KEPT = {"float32": "kept", "float64": "kept", "bfloat16": "kept"}
SUBNORMALS = {
    "identity": KEPT,  # its input itself
    "elu": KEPT,  # handed through: such a number is not below zero
}

LOSES_NAN = (
    "a row with one NaN gives NaN there and 0 elsewhere, right is NaN in the whole row: oneDNN's kernel; right with "
    "TF_ENABLE_ONEDNN_OPTS=0; searched 2026-11-27, not found; "
    "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/core/kernels/mkl/mkl_softmax_op.cc"
)
# Measured: at which input, got, right, and why.
KNOWN_FAILURES = {
    "activation.limits[gelu]": (
        "gelu(-inf) is NaN, right is 0: both forms multiply -inf by a factor that is exactly 0; searched 2026-11-27, "
        "not found; https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_ops.py"
    ),
    "duty.nan[gelu]": (
        "gelu(-inf) is NaN, right is 0: both forms multiply -inf by a factor that is exactly 0; searched 2026-11-27, "
        "not found; https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_ops.py"
    ),
    "duty.nan[silu]": (
        "silu(-inf) is NaN, right is 0: x * sigmoid(x) is -inf * 0; searched 2026-11-27, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_impl.py"
    ),
    "activation.limits[silu]": (
        "silu(-inf) is NaN, right is 0: x * sigmoid(x) is -inf * 0; searched 2026-11-27, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_impl.py"
    ),
    "activation.accuracy[elu]": (
        "elu(-1e-6) is -1.0133e-6 in float32 and elu(-2.2e-17) is 0 in float64, right is x: exp(x) - 1 cancels; "
        "https://github.com/tensorflow/tensorflow/issues/116943"
    ),
    "activation.accuracy[selu]": (
        "selu(-2.2e-19) is 0 in float64, right is -3.8e-19: exp(x) - 1 cancels; "
        "https://github.com/tensorflow/tensorflow/issues/116943"
    ),
    "activation.accuracy[gelu]; float64": (
        "gelu(2) is 1.954499732 in float64, right is 1.954499736: the factors 0.7071067811865476 and "
        "0.7978845608028654 pass through float32; searched 2026-11-27, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_ops.py"
    ),
    "activation.tail[elu]": (
        "elu(-2.2e-17) is 0 in float64, right is -2.2e-17: exp(x) - 1 cancels; "
        "https://github.com/tensorflow/tensorflow/issues/116943"
    ),
    "activation.tail[selu]": (
        "selu(-2.2e-19) is 0 in float64, right is -3.8e-19: exp(x) - 1 cancels; "
        "https://github.com/tensorflow/tensorflow/issues/116943"
    ),
    "activation.tail[gelu]; form=tanh": (
        "tanh form: gelu(-4.89) is 0 in float32, right is -4.8e-7, and gelu(-7.1) is 0 in float64, right is -6.9e-16: "
        "1 + tanh(u) cancels; searched 2026-11-27, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_ops.py"
    ),
    "activation.tail[gelu]; form=exact, float64": (
        "exact form: gelu(-13.56) is -4.6874417e-41 in float64, right is -4.6874269e-41: the factor 0.7071067811865476 "
        "passes through float32; searched 2026-11-27, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_ops.py"
    ),
    "activation.subnormals[relu]; float32, float64": (
        "relu(9e-39) is 0 in all of 16 elements, right with flushing, but 9e-39 in one element alone and "
        "in some of the last of 7509, and so is relu(1.3e-308) in float64: packets flush, the remainder does not; "
        "searched 2026-11-27, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/core/kernels/relu_op_functor.h"
    ),
    **{
        f"activation.subnormals[{name}]; float16": (
            f"{name}(-3e-5) is 0 in float16, right is {right}: exp(x) - 1 cancels; "
            "https://github.com/tensorflow/tensorflow/issues/116943"
        )
        for name, right in (("elu", "-3e-5"), ("selu", "-5.4e-5"))
    },
    "activation.gradient[selu]": (
        "the gradient at -2.2e-17 is 1.0507 in float64, right is 1.7581: it takes the branch of the output's sign, and "
        "the output there is rounded to 0; https://github.com/tensorflow/tensorflow/issues/124831"
    ),
    "activation.gradient-at-subnormals[selu]; float16": (
        "the gradient at -6e-8 is 1.0507 in float16, right is 1.7581: it takes the branch of the output's sign, and "
        "the output there is rounded to 0; https://github.com/tensorflow/tensorflow/issues/124831"
    ),
    "activation.gradient-at-subnormals[elu]; float32, float64, bfloat16": (
        "the gradient at 5.9e-39 with alpha 1.75 is 1.75, right is 1, and so is that at 1.1e-308 in float64: the value "
        "keeps such a number, and the gradient takes it for 0; searched 2026-11-30, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/core/kernels/relu_op_functor.h"
    ),
    "activation.gradient[gelu]; form=exact, float64": (
        "exact form: the gradient at 0.78 times -0.5 is -0.5059312401 in float64, right is -0.5059312428: the factor "
        "0.7071067811865476 passes through float32; searched 2026-11-27, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_ops.py"
    ),
    "activation.gradient[gelu]; form=tanh, float16, float32, float64": (
        "tanh form: the gradient at -10000 in float16 is NaN, right is 0: the slope of x**3 overflows and is "
        "multiplied by 1 - tanh**2 = 0; at -4.85 in float32 it is 0, right is -4e-6: 1 - tanh**2 cancels; in float64 "
        "the factor 0.7978845608028654 passes through float32; searched 2026-11-27, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_ops.py"
    ),
    "activation.gradient-finite[gelu]; form=tanh": (
        "tanh form: the gradient at -1.9e19 and beyond is NaN in float32, right is 0: the slope of the cubic overflows "
        "and inf is multiplied by 0; searched 2026-11-27, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_ops.py"
    ),
    "activation.gated-slopes[gelu]; form=tanh": (
        "tanh form: the slope at -7.5 is 0 in float64, right is 2.7e-17: 1 + tanh(u) and 1 - tanh(u)**2 cancel; "
        "searched 2026-11-27, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_ops.py"
    ),
    "activation.gated-slopes[gelu]; form=exact, float64": (
        "exact form: the slope at -31.9 is -1.358557e-220 in float64, right is -1.358533e-220: the factor "
        "0.7071067811865476 passes through float32; searched 2026-11-27, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_ops.py"
    ),
    "activation.gradient-limits[gelu]": (
        "the gradient at -inf is NaN, right is 0: the chain rule multiplies -inf by a factor that is exactly 0; "
        "searched 2026-11-27, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_ops.py"
    ),
    "activation.gradient-limits[silu]": (
        "the gradient at -inf is NaN, right is 0: -inf times the slope of the sigmoid, which is 0; searched "
        "2026-11-27, not found; https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_impl.py"
    ),
    "duty.sizes[elu]": (
        "elu(-2.43e-5) with alpha 0.5 is -1.21593e-5 in float32, right is -1.21470e-5: exp(x) - 1 cancels; "
        "https://github.com/tensorflow/tensorflow/issues/116943"
    ),
    "duty.sizes[selu]": (
        "selu(-3.1e-7) is -5.24e-7 in float32, right is -5.51e-7: exp(x) - 1 cancels; "
        "https://github.com/tensorflow/tensorflow/issues/116943"
    ),
    "duty.programs[elu]": (
        "in a batch of 65,537 a value is -8.494e-6 in float32, right is -8.503e-6: exp(x) - 1 cancels; "
        "https://github.com/tensorflow/tensorflow/issues/116943"
    ),
    "duty.programs[selu]": (
        "in a batch of 65,537 a value is -4.19e-7 in float32, right is -3.86e-7: exp(x) - 1 cancels; "
        "https://github.com/tensorflow/tensorflow/issues/116943"
    ),
    "duty.sizes[gelu]; float64": (
        "gelu(-0.96) is -0.161790616 in float64, right is -0.161790612: the factor 0.7071067811865476 passes through "
        "float32; searched 2026-11-27, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_ops.py"
    ),
    "activation.second-derivative[elu]": (
        "at -1e-8 it is 0 in float32 and at -2.2e-17 in float64, right is 1: the sign is that of the result, which has "
        "rounded to 0; https://github.com/tensorflow/tensorflow/issues/124830"
    ),
    "activation.second-derivative[selu]": (
        "at -1e-8 it is 0 in float32 and at -2.2e-17 in float64, right is 1.7581: the sign is that of the result, "
        "which has rounded to 0; https://github.com/tensorflow/tensorflow/issues/124831"
    ),
    "activation.second-derivative[gelu]; form=exact, float64": (
        "exact form: at -2.4e-8 it is 0.797884547 in float64, right is 0.797884561: the factor 0.7071067811865476 "
        "passes through float32; searched 2026-11-27, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_ops.py"
    ),
    "activation.second-derivative[gelu]; form=tanh": (
        "tanh form: at -4.85 it is 0 in float32, right is -2.4e-5: 1 - tanh**2 cancels; in float64 the factor "
        "0.7978845608028654 passes through float32; searched 2026-11-27, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_ops.py"
    ),
    "gelu.small-second-derivatives; form=exact, float64": (
        "exact form: at 4 it is -0.00187362357 in float64, right is -0.00187362316: the factor 0.7071067811865476 "
        "passes through float32; searched 2026-11-27, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_ops.py"
    ),
    "gelu.small-second-derivatives; form=tanh": (
        "tanh form: at -7.1 it is 0 in float64, right is -1.01e-13, and at -4.87 it is 0 in float32, right is -2.1e-5: "
        "1 - tanh**2 cancels; searched 2026-11-27, not found; "
        "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/python/ops/nn_ops.py"
    ),
    "elu.value": (
        "elu(-1.9e-37) with alpha 1.75 is 0 in float64, right is -3.3e-37: exp(x) - 1 cancels; "
        "https://github.com/tensorflow/tensorflow/issues/116943"
    ),
    "softmax.small-slopes[softmax]; float32": (
        "the share of an entry that leads by 20.9 is 0.99999994 in float32, right is 1 to the last place, and the "
        "slope that is taken from it is 5.96e-8, in this reading right is 0: Eigen's kernel, which is taken where "
        "oneDNN's is not; https://github.com/tensorflow/tensorflow/issues/116933",
        softmax_is_short,
    ),
    "softmax.nan[softmax]; float32": (LOSES_NAN, partial(softmax_loses_nan, "float32")),
    "softmax.nan[softmax]; bfloat16": (LOSES_NAN, partial(softmax_loses_nan, "bfloat16")),
    "duty.nan[softmax]; float32": (LOSES_NAN, partial(softmax_loses_nan, "float32")),
    "duty.nan[softmax]; bfloat16": (LOSES_NAN, partial(softmax_loses_nan, "bfloat16")),
}
