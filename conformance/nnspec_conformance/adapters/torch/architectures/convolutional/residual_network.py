"""A module of stock layers, called with the weights of the table."""

from __future__ import annotations

import functools

import torch
from torch import nn

CALL = "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/_functorch/functional_call.py"
KNOWN_FAILURES = {
    "duty.refusals[residual_network]": (
        "a projection of 2 x 1 is taken in the place of 1 x 1, right is a refusal: functional_call compares no shapes; "
        f"searched 2026-11-28, not found; {CALL}"
    ),
    "duty.broadcasting[residual_network]": (
        "a bias of one entry is added to every output, right is a refusal: functional_call compares no shapes, and "
        f"addmm expands its bias; searched 2026-11-28, not found; {CALL}"
    ),
    "duty.sizes[residual_network]; float32": (
        "no gradient for a kernel of two channels and one filter that is a view with other strides, 'slow_conv2d: "
        "grad_weight must be contiguous', right is that of the kernel copied with .contiguous(); "
        "https://github.com/pytorch/vision/issues/6001"
    ),
}
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
