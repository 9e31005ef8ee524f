"""``Dense`` on PyTorch."""

from __future__ import annotations

from nnspec_conformance.adapters.keras_torch.precision import FLOAT32_PRODUCT

KNOWN_FAILURES = {
    "dense.value": FLOAT32_PRODUCT,
    "dense.gradient": FLOAT32_PRODUCT,
    "mlp.value": FLOAT32_PRODUCT,
    "mlp.gradient": FLOAT32_PRODUCT,
}
