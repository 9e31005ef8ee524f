"""Attention on PyTorch."""

from __future__ import annotations

VARIANTS = {"attention.integer-mask": "boolean", "attention.no-keys-by-bias": "zeros"}
NN = "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/torch/nn.py"
SINGLE = (
    "in float64 an entry is -0.020596491, right is -0.020596446, and the result is float32: float64 arrays are cast to "
    "float32, as result_type says; https://github.com/keras-team/keras/issues/23704"
)
BOTH = (
    "a mask beside a bias is refused, right is to take both: one argument of PyTorch serves for them; "
    "https://github.com/keras-team/keras/pull/22045"
)
KNOWN_FAILURES = {
    "attention.shapes": (
        "5 keys are taken with 4 values, right is a refusal: the kernel counts the values, and of more values than "
        "keys it reads behind the end of the keys; https://github.com/pytorch/pytorch/pull/193728"
    ),
    "attention.no-keys-gradient": (
        "a query that sees no key has the gradient 6.87, right is 0, since its result is the mean of all values: a "
        "finite number is added to its scores, and the gradient goes on through them; "
        f"searched 2026-11-28, not found; {NN}"
    ),
    "duty.nan[attention]": (
        "with NaN in a query its result is 0, right is NaN: the kernel takes the row for one that sees no key; "
        "https://github.com/pytorch/pytorch/issues/141128"
    ),
    "duty.second[attention]": (
        "the backward pass of the fused kernel has no derivative, right is the gradient of the gradient; "
        "https://github.com/pytorch/pytorch/issues/181177"
    ),
    "attention.together": BOTH,
    "duty.kept[attention]": BOTH,
    "duty.diverged[attention]": BOTH,
    "attention.example; float64": SINGLE,
    "attention.value; float64": SINGLE,
    "attention.gradient; float64": SINGLE,
    "attention.large-scores; float64": SINGLE,
    "attention.offset; float64": SINGLE,
    "duty.dtype[attention]; float64": SINGLE,
    "duty.linear[attention]; float64": SINGLE,
    "duty.sizes[attention]; float64": SINGLE,
}
