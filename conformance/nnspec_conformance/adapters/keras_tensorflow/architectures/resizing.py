"""Resizing on TensorFlow, whose operations answer in float32 whatever they are given."""

from __future__ import annotations

TENSORFLOW = "https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/"
KERNELS = f"{TENSORFLOW}core/kernels/image/"
SEARCHED = "searched 2026-11-29, not found"
# Measured: what was asked, what came, what is right, and why.
FLOAT32 = (
    "in float64 0.66769455747 comes back as 0.66769456863 at the same size, and results at another size are off by "
    f"5e-7: they are of float32, and are cast back; {SEARCHED}; {TENSORFLOW}python/ops/image_ops_impl.py"
)
TABLE = (
    "a result is 0.3737, right is 0.3718, and a gradient is -1.47326, right is -1.47246: where a place lies between "
    f"two entries is rounded to one of 1,024 steps, of which the weights are a table; {SEARCHED}; "
    f"{KERNELS}resize_bicubic_op.cc"
)
NO_SLOPE = (
    "in float16 and bfloat16 the gradient is 0, right is -1.47: the rule of ResizeBicubic gives none for what is not "
    f"float32 or float64, and says nothing; {SEARCHED}; {TENSORFLOW}python/ops/image_grad.py"
)
ANTIALIASED = (
    "the gradient of an antialiased map raises InvalidArgumentError ('cannot compute ScaleAndTranslateGrad as input #1 "
    "was expected to be a float tensor'), right is the gradient: its rule does not cast; "
    f"{SEARCHED}; {TENSORFLOW}python/ops/image_grad.py"
)
ONCE = (
    "the gradient of the gradient raises LookupError ('gradient registry has no entry for: ResizeNearestNeighborGrad')"
    ", right is a second derivative; https://github.com/tensorflow/tensorflow/issues/43648"
)
PRODUCTS = (
    "infinity, or NaN, in an entry makes NaN of a place that falls beside it with the weight 0 for it, right is the "
    f"other entry: the two are subtracted, or 0 times it is added; {SEARCHED}; {KERNELS}resize_bilinear_op.cc"
)
KNOWN_FAILURES = {
    "resize-nearest.every-length": (
        "of 6 entries the place 18 of 37 takes entry 2, right is 3: the factor is rounded to float32 before it is "
        f"multiplied; {SEARCHED}; {KERNELS}resize_nearest_neighbor_op.cc"
    ),
    "resize-linear.coordinates; float64": FLOAT32,
    "resize-linear.antialias; float64": FLOAT32,
    "resize.same-size[resize_linear]; float64": FLOAT32,
    "resize.same-size[resize_cubic]; float64": FLOAT32,
    "resize.gradient[resize_linear]; antialias=False, float64": FLOAT32,
    "duty.sizes[resize_linear]; float64": FLOAT32,
    "duty.linear[resize_cubic]; float64": FLOAT32,
    "resize-cubic.kernel; float32, float64": TABLE,
    "resize-cubic.border; float32, float64": TABLE,
    "resize.gradient[resize_cubic]; float32, float64": TABLE,
    "resize.gradient[resize_cubic]; float16, bfloat16": NO_SLOPE,
    "duty.sizes[resize_cubic]; float32, float64": TABLE,
    "duty.sizes[resize_cubic]; float16, bfloat16": NO_SLOPE,
    "duty.programs[resize_cubic]; float32, float16": TABLE,
    **{
        f"{clause}[resize_linear]; antialias=True, float16, bfloat16, float64": ANTIALIASED
        for clause in ("resize.gradient", *(f"duty.{duty}" for duty in (
            "dtype", "gradient", "linear", "neighbours", "kept", "history"
        )))
    },
    "duty.second[resize_linear]; antialias=True, float64": ANTIALIASED,
    "duty.second[resize_linear]; antialias=False, float64": ONCE,
    "duty.second[resize_nearest]": ONCE,
    "duty.second[resize_cubic]": ONCE,
    "resize.reach[resize_linear]": PRODUCTS,
    "duty.nan[resize_linear]": PRODUCTS,
    "duty.nan[resize_cubic]": PRODUCTS,
}  # fmt: skip
