"""Embedding on PyTorch, where the product with the table is made in float32."""

from __future__ import annotations

from nnspec_conformance.adapters.keras_torch.precision import FLOAT32_PRODUCT

VARIANTS = {"embedding.out-of-range": "refused"}
CLAUSES = ("tied-logits.value", "tied-logits.gradient", "tied-embedding.value", "tied-embedding.gradient")
DUTIES = ("dtype", "linear", "sizes")
KNOWN_FAILURES = {f"{clause}; float64": FLOAT32_PRODUCT for clause in CLAUSES} | {
    f"duty.{duty}[{name}]; float64": FLOAT32_PRODUCT for duty in DUTIES for name in ("tied_logits", "tied_embedding")
}
