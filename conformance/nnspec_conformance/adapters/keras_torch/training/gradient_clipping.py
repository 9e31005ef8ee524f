"""Clipping on PyTorch."""

from __future__ import annotations

from nnspec_conformance.adapters.keras.training.gradient_clipping import EDGES

SINGLE = (
    "(3.1, 4.3) with the limit 0.25 becomes (0.146200392, 0.202794092) by norm and (0.146200399, 0.202794101) by "
    "global norm in float64, right is (0.146200394, 0.202794095): ops.maximum and ops.minimum with a number give "
    "float32; https://github.com/keras-team/keras/issues/23223"
)
SINGLE_LIMIT = (
    "-1.05 with the limit 0.3 becomes -0.30000001192 in float64, right is -0.3: ops.clip makes the limit a float32; "
    "https://github.com/keras-team/keras/issues/23223"
)
SCALAR = (
    "the scalar -1.228 in float16 with the limit 0.5 is answered in float32, right is float16: ops.maximum with "
    "a number gives a float32 scalar, and two scalars promote; https://github.com/keras-team/keras/issues/23223"
)
SCALAR_VALUE = (
    "the scalar -1.67969 in bfloat16 with the limit 0.5 is answered in float32, right is bfloat16: ops.clip makes the "
    "limit a float32 scalar, and two scalars promote; https://github.com/keras-team/keras/issues/23223"
)
KNOWN_FAILURES = (
    EDGES
    | {
        "clip-by-value.value; float64": SINGLE_LIMIT,
        "duty.dtype[clip_by_norm]; float16, bfloat16": SCALAR,
        "duty.dtype[clip_by_value]; bfloat16": SCALAR_VALUE,
    }
    | {
        f"{clause}; float64": SINGLE
        for clause in (
            "clip.scaled[clip_by_norm]",
            "clip.scaled[clip_by_global_norm]",
            "clip-by-norm.size",
            "clip-by-global-norm.scope",
            "clip.denominator[clip_by_norm]",
            "clip.denominator[clip_by_global_norm]",
            "clip.gradient[clip_by_norm]",
            "clip.gradient[clip_by_global_norm]",
            "duty.linear[clip_by_norm]",
            "duty.linear[clip_by_global_norm]",
            "duty.sizes[clip_by_norm]",
            "duty.sizes[clip_by_global_norm]",
        )
    }
)
