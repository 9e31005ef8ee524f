"""A neuron as ``F.linear`` with one unit."""

from __future__ import annotations

import torch.nn.functional as F

from nnspec_conformance.adapters.torch import network
from nnspec_conformance.adapters.torch.components.activations import HARD_SIGMOID

KNOWN_FAILURES = {
    "duty.broadcasting[neuron]": network.BIAS,
    "duty.choices[neuron]": network.NAMES,
    "duty.second[neuron]; activation=hard_sigmoid": HARD_SIGMOID,
}


def neuron(x, weights, bias, *, activation):
    return network.Activation(activation)(F.linear(x, weights[None], bias[None])[..., 0])
