"""Stock layers called one after the other, and what each computes."""

from __future__ import annotations

import torch

from nnspec_conformance.adapters.torch import network
from nnspec_conformance.adapters.torch.components.activations import HARD_SIGMOID

KNOWN_FAILURES = {
    "duty.broadcasting[forward]": network.BIAS,
    "duty.choices[forward]": network.NAMES,
    "duty.second[forward]; activation=hard_sigmoid": HARD_SIGMOID,
    "forward.empty-table": (
        "a list of no layers is taken and gives no values, right is to refuse; the Sequential of PyTorch for C++ "
        "refuses to be called without layers, that for Python hands its input on; "
        "https://github.com/pytorch/pytorch/issues/19499"
    ),
}


def forward(x, weights, *, activation):
    values, depth = {}, sum(name.startswith("kernel_") for name in weights)
    network.call(_Recording(depth), weights, x, network.Activation(activation), values)
    return values


class _Recording(torch.nn.ModuleList):
    """Stock layers that keep what they compute."""

    def __init__(self, depth):
        super().__init__(network.linear() for _ in range(depth))

    def forward(self, a, phi, values):
        for i, layer in enumerate(self):
            values[f"z_{i}"] = z = layer(a)
            values[f"a_{i}"] = a = phi(z) if i < len(self) - 1 else z
