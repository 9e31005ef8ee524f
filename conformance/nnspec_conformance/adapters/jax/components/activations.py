"""What anything that calls the activation functions of ``jax.nn`` does: its readings, and what it fails."""

from __future__ import annotations

VARIANTS = {
    "activation.subnormals": "flushed",  # XLA on CPU runs with flush-to-zero and denormals-are-zero set
    "activation.subnormals[tanh]": "kept",  # small input is handed through
    "leaky-relu.gradient-at-zero": "one",
}
# Measured: at which input, got, right, and why.
KNOWN_FAILURES = {
    "activation.limits[gelu]": (
        "gelu(-inf) is NaN, right is 0: both forms multiply -inf by a factor that is exactly 0; not reported; "
        "https://github.com/jax-ml/jax/blob/main/jax/_src/nn/functions.py"
    ),
    "activation.limits[silu]": (
        "silu(-inf) is NaN, right is 0: x * sigmoid(x) is -inf * 0; not reported; "
        "https://github.com/jax-ml/jax/blob/main/jax/_src/nn/functions.py"
    ),
    "activation.tail[gelu]": (
        "tanh form: gelu(-4.89) is 0 in float32, right is -4.8e-7, and gelu(-7.32) is -2.8e-15 in float64, "
        "right is -4.3e-17: 1 + tanh(u) cancels; the exact form uses erfc and is right; not reported; "
        "https://github.com/jax-ml/jax/blob/main/jax/_src/nn/functions.py"
    ),
    "activation.gradient[gelu]": (
        "tanh form: the gradient at -148 and beyond in float16 is NaN, right is 0: the cubic's slope 3 x**2 "
        "overflows and is multiplied by 1 - tanh**2 = 0; in float64 it is off by 82 ulp at 7.33, where 1 - "
        "tanh**2 cancels; not reported; https://github.com/jax-ml/jax/blob/main/jax/_src/nn/functions.py"
    ),
    "activation.gradient-finite[gelu]": (
        "tanh form: the gradient at -1.1e19 and beyond is NaN in float32, right is 0: the cubic's slope 3 x**2 "
        "overflows and is multiplied by 1 - tanh**2 = 0; not reported; "
        "https://github.com/jax-ml/jax/blob/main/jax/_src/nn/functions.py"
    ),
    "activation.second-derivative[gelu]": (
        "tanh form: at -4.87 it is 0 in float32, right is -2.1e-5: 1 - tanh**2 cancels and is multiplied by "
        "the square of the slope of the inner cubic; not reported; "
        "https://github.com/jax-ml/jax/blob/main/jax/_src/nn/functions.py"
    ),
}
