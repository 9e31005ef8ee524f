"""Long short-term memory on PyTorch; whole sequences run in PyTorch's own layer, which keeps float64."""

from __future__ import annotations

from nnspec_conformance.adapters.keras_torch.precision import FLOAT32_PRODUCT

OWING = (
    "lstm-step.value", "lstm-step.gradient", "lstm-step.candidate", "duty.linear[lstm_step]", "duty.sizes[lstm_step]",
)  # fmt: skip
KNOWN_FAILURES = {f"{name}; float64": FLOAT32_PRODUCT for name in OWING}
