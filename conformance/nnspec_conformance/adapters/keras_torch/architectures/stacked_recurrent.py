"""Stacks and bidirectional layers on PyTorch."""

from __future__ import annotations

from nnspec_conformance.adapters.keras_torch.precision import FLOAT32_PRODUCT

OWING = (
    "stacked-recurrent.value", "stacked-recurrent.gradient", "bidirectional.value", "bidirectional.gradient",
    "duty.linear[stacked_recurrent]", "duty.linear[bidirectional]",
    "duty.sizes[stacked_recurrent]", "duty.sizes[bidirectional]",
)  # fmt: skip
KNOWN_FAILURES = {f"{name}; float64": FLOAT32_PRODUCT for name in OWING}
