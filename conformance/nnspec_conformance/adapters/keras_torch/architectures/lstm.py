"""Long short-term memory on PyTorch."""

from __future__ import annotations

from nnspec_conformance.adapters.keras_torch.precision import FLOAT32_PRODUCT

OWING = (
    "lstm-step.value", "lstm-step.gradient", "lstm-step.candidate", "lstm.value", "lstm.gradient",
    "duty.linear[lstm_step]", "duty.linear[lstm]", "duty.sizes[lstm_step]", "duty.sizes[lstm]",
)  # fmt: skip
KNOWN_FAILURES = {f"{name}; float64": FLOAT32_PRODUCT for name in OWING}
