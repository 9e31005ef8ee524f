"""Keras's layers on PyTorch."""

from __future__ import annotations

from nnspec_conformance.adapters.keras_torch.precision import FLOAT32_PRODUCT

KNOWN_FAILURES = {
    "dense-native.kernel; float64": FLOAT32_PRODUCT,
    "duty.sizes[dense_native]; float64": FLOAT32_PRODUCT,
}
