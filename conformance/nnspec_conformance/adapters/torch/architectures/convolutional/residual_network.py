"""A module of stock layers, called with the weights of the table."""

from __future__ import annotations

import functools

import torch
from torch import nn

VARIANTS = {"residual-network.strided-padding": "centred"}
ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU}


def residual_network(x, weights, *, activation):
    table = {_name(name): _laid_out(w) for name, w in weights.items()}
    return torch.func.functional_call(_network(activation), table, (x.movedim(-1, -3),), strict=True)


class ResidualNetwork(nn.Module):
    """The layers without weights of their own: they take their shapes from those that they are called with."""

    def __init__(self, activation):
        super().__init__()
        convolutions = [nn.Conv2d(1, 1, 3, padding=1) for _ in range(5)]
        convolutions[3] = nn.Conv2d(1, 1, 3, stride=2, padding=1)
        projection = nn.Conv2d(1, 1, 1, stride=2)
        self.layers = nn.ModuleList([*convolutions, projection, nn.Linear(1, 1)])
        self.phi = activation()
        self.mean = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def forward(self, x):
        first, one, two, three, four, projection, head = self.layers
        a = self.phi(first(x))
        a = self.phi(a + two(self.phi(one(a))))
        a = self.phi(projection(a) + four(self.phi(three(a))))
        return head(self.mean(a))


@functools.cache
def _network(activation):
    with torch.device("meta"):
        return ResidualNetwork(ACTIVATIONS[activation])


def _name(name):
    """The name of an array in the module; one that is not its own is refused there."""
    part, _, i = name.partition("_")
    return f"layers.{i}.{ {'kernel': 'weight'}.get(part, part) }"


def _laid_out(w):
    """[filters, channels, window], and [out, in]."""
    return w.movedim((-1, -2), (0, 1)) if w.ndim == 4 else w.T if w.ndim == 2 else w
