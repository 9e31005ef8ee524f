"""The layer of several heads on PyTorch, whose fused kernel is called."""

from __future__ import annotations

SINGLE = (
    "in float64 an entry is 1.02054718, right is 1.02054737: float64 arrays are cast to float32 on the way, as "
    "result_type says; https://github.com/keras-team/keras/issues/23704"
)
NAN = (
    "with NaN in the kernel of the queries the result is that of the bias alone, right is NaN: the fused kernel takes "
    "a row of NaN for one that sees no key, and gives 0; https://github.com/pytorch/pytorch/issues/141128"
)
KNOWN_FAILURES = {
    "multi-head-attention.no-keys": (
        "a place that sees no key has the gradient 11.3, right is 0 but through the values, since every head finds "
        "their mean: a finite number is added to the scores, and the gradient goes on through them; searched "
        "2026-11-29, not found; https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/torch/nn.py"
    ),
    "multi-head-attention.example; float64": SINGLE,
    "multi-head-attention.value; float64": SINGLE,
    "multi-head-attention.gradient; float64": SINGLE,
    "duty.linear[multi_head_attention]; float64": SINGLE,
    "duty.sizes[multi_head_attention]; float64": SINGLE,
    "duty.nan[multi_head_attention]": NAN,
    "duty.diverged[multi_head_attention]": NAN,
    "duty.second[multi_head_attention]": (
        "the backward pass of the fused kernel has no derivative, right is the gradient of the gradient; "
        "https://github.com/pytorch/pytorch/issues/181177"
    ),
    "duty.attributes[multi_head_attention]; causal=True": (
        "of 5 causal queries and 2 keys the first one sees a key, and the gradient of its value is 2.577, right is 0: "
        "causality is aligned at the top left; https://github.com/pytorch/pytorch/issues/103082"
    ),
}
