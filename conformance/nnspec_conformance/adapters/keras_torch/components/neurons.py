"""``Dense`` with one unit on PyTorch."""

from __future__ import annotations

from nnspec_conformance.adapters.keras_torch.precision import FLOAT32_PRODUCT
from nnspec_conformance.adapters.torch.components.activations import HARD_SIGMOID

KNOWN_FAILURES = {
    "neuron.value; float64": FLOAT32_PRODUCT,
    "neuron.gradient; float64": FLOAT32_PRODUCT,
    "duty.linear[neuron]; float64": FLOAT32_PRODUCT,
    "duty.second[neuron]; activation=hard_sigmoid": HARD_SIGMOID,
    "duty.sizes[neuron]; float64": FLOAT32_PRODUCT,
}
