"""The readings that the functions of ``keras.ops`` have on PyTorch."""

from __future__ import annotations

VARIANTS = {"clamp.at-bounds": "one"}

# Measured: what was asked, what came, what is right, and why.
KNOWN_FAILURES = {
    **{
        f"duty.{duty}[{name}]; float64": (
            f"keras.ops.{function} of float64 arrays gives float32, right is float64: result_type makes float32 of "
            "float64, whatever floatx says; https://github.com/keras-team/keras/issues/23223"
        )
        for name, function in (
            ("pairwise_maximum", "maximum"),
            ("euclidean_norm", "norm"),
            ("product_reduction", "prod"),
        )
        for duty in ("dtype", "linear", "sizes")
    },
    "duty.relations[absolute_value]; float64": (
        "the largest of x and -x in float64 is rounded to float32, right is |x|: keras.ops.maximum makes float32 of "
        "float64, whatever floatx says; https://github.com/keras-team/keras/issues/23223"
    ),
    "duty.dtype[clamp]; bfloat16": (
        "keras.ops.clip of a bfloat16 number of rank 0 gives float32, right is bfloat16: the bounds are made float32 "
        "tensors of rank 0, with which PyTorch promotes; searched 2026-11-27, not found; "
        "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/torch/numpy.py"
    ),
}
