"""Stock models on PyTorch."""

from __future__ import annotations

from nnspec_conformance.adapters.keras_torch.precision import FLOAT32_PRODUCT
from nnspec_conformance.adapters.torch.components.activations import HARD_SIGMOID

KNOWN_FAILURES = {
    "forward.composition; float64": FLOAT32_PRODUCT,
    "forward.gradient; float64": FLOAT32_PRODUCT,
    "duty.linear[forward]; float64": FLOAT32_PRODUCT,
    "duty.second[forward]; activation=hard_sigmoid": HARD_SIGMOID,
    "duty.sizes[forward]; float64": FLOAT32_PRODUCT,
}
