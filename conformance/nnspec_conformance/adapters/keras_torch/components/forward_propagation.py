"""Stock models on PyTorch."""

from __future__ import annotations

from nnspec_conformance.adapters.keras_torch.precision import FLOAT32_PRODUCT

KNOWN_FAILURES = {
    "forward.composition; float64": FLOAT32_PRODUCT,
    "forward.gradient; float64": FLOAT32_PRODUCT,
    "duty.linear[forward]; float64": FLOAT32_PRODUCT,
    "duty.sizes[forward]; float64": FLOAT32_PRODUCT,
}
