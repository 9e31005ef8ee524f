"""Batch norm on JAX, where the products of a whole feature are fused with their sums."""

from __future__ import annotations

from nnspec_conformance.adapters.keras.training.batch_normalization import UNTIDY

KNOWN_FAILURES = {"batch-norm.constant-feature": UNTIDY, "batch-norm.single": UNTIDY}
