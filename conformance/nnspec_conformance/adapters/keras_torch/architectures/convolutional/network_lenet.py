"""The head is made of dense layers, whose products of float64 are done in float32."""

from __future__ import annotations

from nnspec_conformance.adapters.keras_torch.precision import FLOAT32_PRODUCT

KNOWN_FAILURES = {
    f"{clause}; float64": FLOAT32_PRODUCT
    for clause in ("lenet.value", "lenet.gradient", "duty.linear[lenet]", "duty.sizes[lenet]")
}
