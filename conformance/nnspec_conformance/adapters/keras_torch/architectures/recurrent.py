"""Recurrent layers on PyTorch."""

from __future__ import annotations

from nnspec_conformance.adapters.keras_torch.precision import FLOAT32_PRODUCT

OWING = (
    "elman-step.value", "elman-step.gradient", "elman.value", "elman.gradient", "elman.lengths", "elman.reverse",
    "duty.linear[elman_step]", "duty.linear[elman]", "duty.sizes[elman_step]", "duty.sizes[elman]",
)  # fmt: skip
KNOWN_FAILURES = {f"{name}; float64": FLOAT32_PRODUCT for name in OWING} | {
    "elman.empty-sequence": (
        "the last output of a sequence of length 0 is 0, right is its carry, 0.385, which the last state is: before "
        "the first output there is a zero; searched 2026-11-28, not found; "
        "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/torch/rnn.py"
    ),
}
