"""Layer norm on JAX, where the products of a whole row are fused with their sums."""

from __future__ import annotations

from nnspec_conformance.adapters.keras.architectures.transformer.normalization import UNTIDY

KNOWN_FAILURES = {"layer-norm.constant-row": UNTIDY}
