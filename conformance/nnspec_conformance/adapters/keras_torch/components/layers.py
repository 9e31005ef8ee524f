"""``Dense`` on PyTorch."""

from __future__ import annotations

from nnspec_conformance.adapters.keras_torch.precision import FLOAT32_PRODUCT
from nnspec_conformance.adapters.torch.components.activations import HARD_SIGMOID

KNOWN_FAILURES = {
    "dense.value; float64": FLOAT32_PRODUCT,
    "dense.gradient; float64": FLOAT32_PRODUCT,
    "mlp.value; float64": FLOAT32_PRODUCT,
    "mlp.gradient; float64": FLOAT32_PRODUCT,
    "duty.linear[dense]; float64": FLOAT32_PRODUCT,
    "duty.linear[mlp]; float64": FLOAT32_PRODUCT,
    "duty.sizes[dense]; float64": FLOAT32_PRODUCT,
    "duty.relations[dense]; float64": FLOAT32_PRODUCT,
    "duty.second[mlp]; activation=hard_sigmoid": HARD_SIGMOID,
    "duty.sizes[mlp]; float64": FLOAT32_PRODUCT,
}
