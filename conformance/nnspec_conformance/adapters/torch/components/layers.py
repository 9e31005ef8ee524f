"""``F.linear``, and ``nn.Sequential`` of ``nn.Linear``."""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F

from nnspec_conformance.adapters.torch import network
from nnspec_conformance.adapters.torch.components.activations import HARD_SIGMOID

VARIANTS = {"dense.one-bias": "broadcast"}
KNOWN_FAILURES = {
    "duty.broadcasting[dense]": (
        "a bias of shape [1, out] is taken for [out], right is to refuse: the bias of addmm is expanded; searched "
        "2026-11-29, not found; https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/Linear.cpp"
    ),
    "duty.broadcasting[mlp]": network.BIAS,
    "duty.choices[mlp]": network.NAMES,
    "duty.second[mlp]; activation=hard_sigmoid": HARD_SIGMOID,
}


def dense(x, kernel, bias):
    return F.linear(x, kernel.T, bias)


def mlp(x, weights, *, activation):
    depth = sum(name.startswith("kernel_") for name in weights)
    return network.call(_sequential(depth, activation), weights, x, stride=2)  # an activation after each layer


@functools.cache
def _sequential(depth, activation):
    layers = [part for _ in range(depth) for part in (network.linear(), network.Activation(activation))]
    return torch.nn.Sequential(*layers[:-1])
