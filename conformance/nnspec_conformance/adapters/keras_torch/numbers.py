"""What fails in float64 at a keyword's number that float32 does not have, as 0.6, wherever an operation has one."""

from __future__ import annotations

from nnspec_conformance.adapters.keras.rates import OF_RATES, RATE

NUMBERS = (
    "0.6 counts as 0.60000002384 beside a float64 array, right is 0.6: on PyTorch a function of keras.ops makes a "
    "float32 tensor of a number first, so that multiply(1.0, 0.6) is 0.60000002384; searched 2026-11-30, not found; "
    "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/torch/core.py"
)
NARROW = (
    "in float64 the answer or its gradient is right to the digits of float32 only, also at numbers that float32 has: "
    "on PyTorch result_type makes float32 of float64; https://github.com/keras-team/keras/issues/23704"
)
KEPT = ("clamp", "clip_by_value", "exponential_average", "l1_penalty", "max_norm")
SHORT = (
    "activity_penalty", "attention", "batch_norm", "batch_norm_eval", "batch_norm_layer", "batch_norm_statistics",
    "batch_norm_update", "bernoulli_bound", "clip_by_global_norm", "clip_by_norm", "gaussian_bound", "group_norm",
    "huber", "instance_norm", "layer_norm", "masked_batch_norm", "rms_norm", "sparsity_divergence",
)  # fmt: skip
DECAY = f"{RATE}; its product with a weight decay has the digits of float32, too (inferred from the size of the error)"
KNOWN_FAILURES = OF_RATES | {f"duty.attributes[{name}]; float64": DECAY for name in ("gradient_descent", "adamw")}
KNOWN_FAILURES |= {f"duty.attributes[{name}]; float64": NUMBERS for name in KEPT}
KNOWN_FAILURES |= {f"duty.attributes[{name}]; float64": NARROW for name in SHORT}
