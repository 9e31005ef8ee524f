"""What anything that calls the activation functions of ``jax.nn`` does: its readings, and what it fails."""

from __future__ import annotations

import jax
import numpy as np

VARIANTS = {
    "leaky-relu.gradient-at-zero": "one",
    "activation.small-slopes": "result",  # the rules of logistic, tanh and expm1 take the result
    "activation.small-second-derivatives": "result",
    "activation.half-precision": "steps",  # each operation is a program of its own
    "activation.half-slopes": "steps",
    "softmax.small-slopes": "result",
    "softmax.long-rows": "rounded",
}
SUBNORMALS = {
    "identity": {"float32": "kept", "float64": "kept", "bfloat16": "kept"},  # its input itself
    "tanh": {"float32": "kept", "bfloat16": "kept"},  # small input is handed through
    "sigmoid": {"float16": "flushed"},  # 1 / (1 + exp(-x)): exp(11.1) overflows in float16
    "silu": {"float16": "flushed"},  # x times that
}


def tanh_misses_one() -> bool:
    """Whether the float32 tanh stops short of 1, as on processors without FMA."""
    return bool(jax.numpy.tanh(np.full(16, 9.5, np.float32))[0] < 1)


# Measured: at which input, got, right, and why.
KNOWN_FAILURES = {
    **{
        f"duty.programs[{name}]": (
            f"of 0.7 times scores of 1e10 comes {came}, right is a finite number: the product is fused with the "
            "subtraction of the maximum, which is that of rounded products; https://github.com/jax-ml/jax/issues/37234"
        )
        for name, came in (
            ("softmax", "NaN"),
            ("log_softmax", "infinity"),
            ("softmax_cross_entropy", "infinity"),
            ("softmax_cross_entropy_with_integer_labels", "infinity"),
        )
    },
    "activation.gated-slopes[gelu]; form=tanh": (
        "tanh form: the slope at -4.87 is 0 in float32, right is -3.5e-6, and at -7.34 it is -3.7e-14 in float64, "
        "right is -4.3e-16: 1 + tanh(u) and 1 - tanh(u)**2 cancel; searched 2026-11-27, not found; "
        "https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/_src/nn/functions.py"
    ),
    "activation.gradient-limits[gelu]": (
        "the gradient at -inf is NaN, right is 0: the chain rule multiplies -inf by a factor that is exactly 0; "
        "searched 2026-11-27, not found; https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/_src/nn/functions.py"
    ),
    "activation.gradient-limits[silu]": (
        "the gradient at -inf is NaN, right is 0: -inf times the slope of the sigmoid, which is 0; searched "
        "2026-11-27, not found; https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/_src/nn/functions.py"
    ),
    **{
        f"{clause}[tanh]; float32": (
            f"at -19.99 it is {came} in float32, right is 0 as the slope is taken from the result: without FMA the "
            "tanh of large arguments is not 1; searched 2026-11-27, not found; "
            "https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/_src/lax/lax.py",
            tanh_misses_one,
        )
        for clause, came in (("activation.small-slopes", "3.6e-7"), ("activation.small-second-derivatives", "7.2e-7"))
    },
    "gelu.small-second-derivatives; form=tanh": (
        "tanh form: at 4.87 it is 0 in float32, right is -2.1e-5, and at 7.34 it is -4.7e-13 in float64, right is "
        "-5.5e-15: 1 - tanh**2 cancels and is multiplied by the square of the slope of the inner cubic; "
        "searched 2026-11-27, not found, of tanh itself: https://github.com/jax-ml/jax/issues/40388"
    ),
    "activation.limits[gelu]": (
        "gelu(-inf) is NaN, right is 0: both forms multiply -inf by a factor that is exactly 0; searched 2026-11-27, "
        "not found; https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/_src/nn/functions.py"
    ),
    "duty.nan[gelu]": (
        "gelu(-inf) is NaN, right is 0: both forms multiply -inf by a factor that is exactly 0; searched 2026-11-27, "
        "not found; https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/_src/nn/functions.py"
    ),
    "activation.limits[silu]": (
        "silu(-inf) is NaN, right is 0: x * sigmoid(x) is -inf * 0; searched 2026-11-27, not found; "
        "https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/_src/nn/functions.py"
    ),
    "duty.nan[silu]": (
        "silu(-inf) is NaN, right is 0: x * sigmoid(x) is -inf * 0; searched 2026-11-27, not found; "
        "https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/_src/nn/functions.py"
    ),
    "activation.tail[gelu]; form=tanh": (
        "tanh form: gelu(-4.89) is 0 in float32, right is -4.8e-7, and gelu(-7.32) is -2.8e-15 in float64, right is "
        "-4.3e-17: 1 + tanh(u) cancels; searched 2026-11-27, not found; "
        "https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/_src/nn/functions.py"
    ),
    "activation.gradient[gelu]; form=tanh, float16, float64": (
        "tanh form: the gradient at -148 and beyond in float16 is NaN, right is 0: the cubic's slope 3 x**2 overflows "
        "and is multiplied by 1 - tanh**2 = 0; in float64 it is off by 82 ulp at 7.33, where 1 - tanh**2 cancels; "
        "searched 2026-11-27, not found; https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/_src/nn/functions.py"
    ),
    "activation.gradient[gelu]; form=tanh, float32": (
        "tanh form: the gradient at -7.34 in float32 is -1.9e-5, right is -8.7e-16: without FMA the tanh of large "
        "arguments is not 1, and 1 + tanh(u) keeps the difference; searched 2026-11-27, not found; "
        "https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/_src/nn/functions.py",
        tanh_misses_one,
    ),
    "activation.gradient-finite[gelu]; form=tanh": (
        "tanh form: the gradient at -1.1e19 and beyond is NaN in float32, right is 0: the cubic's slope 3 x**2 "
        "overflows and is multiplied by 1 - tanh**2 = 0; searched 2026-11-27, not found; "
        "https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/_src/nn/functions.py"
    ),
    "activation.second-derivative[gelu]; form=tanh": (
        "tanh form: at -4.87 it is 0 in float32, right is -2.1e-5: 1 - tanh**2 cancels and is multiplied by the square "
        "of the slope of the inner cubic; searched 2026-11-27, not found, of tanh itself: "
        "https://github.com/jax-ml/jax/issues/40388"
    ),
}
