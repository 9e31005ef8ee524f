"""The head is a dense layer, whose product of float64 is done in float32."""

from __future__ import annotations

from nnspec_conformance.adapters.keras_torch.precision import FLOAT32_PRODUCT

KNOWN_FAILURES = {
    f"{clause}; float64": FLOAT32_PRODUCT
    for clause in (
        "residual-network.value", "residual-network.gradient", "duty.linear[residual_network]",
        "duty.sizes[residual_network]",
    )
}  # fmt: skip
