"""Spectral normalization on PyTorch."""

from __future__ import annotations

from nnspec_conformance.adapters.keras_torch.precision import FLOAT32_PRODUCT

OWING = ("spectral-norm.value", "spectral-norm.gradient", "spectral-vector.value", "duty.linear[spectral_norm]")
KNOWN_FAILURES = {f"{name}; float64": FLOAT32_PRODUCT for name in OWING}
