"""Stock layers; images lie as [channels, height, width], and so do the features that ``torch.flatten`` makes."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from nnspec_conformance.adapters.torch import network

VARIANTS = {"network.flatten-order": "chw", "network.strided-zeros": "both"}
PHI = {"tanh": torch.tanh, "relu": F.relu}
POOL = {"average": F.avg_pool2d, "max": F.max_pool2d}


def flatten_features(x):
    return torch.flatten(x.movedim(-1, 1), 1)


def lenet(x, weights, *, activation, pooling):
    values = {}
    _call(_LeNet(), weights, x, PHI[activation], POOL[pooling], values)
    return values


def residual_network(x, weights, *, activation):
    values = {}
    _call(_ResidualNetwork(), weights, x, PHI[activation], values)
    return values


def _call(model, weights, x, *rest):
    """The model with the table: kernels turned to [filters, channels, window], maps in the values turned back."""
    named = {}
    for name, value in weights.items():  # strict: a name too many or too few is refused
        layer = "shortcut" if name.startswith("shortcut") else f"layer_{name.rpartition('_')[2]}"
        kernel = value.movedim((-1, -2), (0, 1)) if value.ndim > 1 else value
        named[f"{layer}.{'weight' if 'kernel' in name else 'bias'}"] = kernel
    torch.func.functional_call(model, named, (x.movedim(-1, 1), *rest), strict=True)
    values = rest[-1]
    values.update({name: v.movedim(1, -1) if v.ndim == 4 else v for name, v in values.items()})


def _conv(taps, **given):
    """A layer without weights of its own: it takes its shape from those that it is called with."""
    return torch.nn.Conv2d(1, 1, taps, device="meta", **given)


class _LeNet(torch.nn.Module):
    """Two convolutions and two dense layers, as they stand in any tutorial."""

    def __init__(self):
        super().__init__()
        self.layer_0, self.layer_1 = _conv(5, padding=2), _conv(5, padding=2)
        self.layer_2, self.layer_3 = network.linear(), network.linear()

    def forward(self, x, phi, pool, values):
        values["maps_0"] = m = phi(self.layer_0(x))
        values["pooled_0"] = p = pool(m, 2)
        values["maps_1"] = m = phi(self.layer_1(p))
        values["pooled_1"] = p = pool(m, 2)
        values["features"] = f = torch.flatten(p, 1)
        values["hidden"] = h = phi(self.layer_2(f))
        values["output"] = self.layer_3(h)


class _ResidualNetwork(torch.nn.Module):
    """Two blocks as in torchvision, without batch normalization."""

    def __init__(self):
        super().__init__()
        for i in range(5):
            self.add_module(f"layer_{i}", _conv(3, padding=1, stride=2 if i == 3 else 1))
        self.shortcut = _conv(1, stride=2)
        self.layer_5 = network.linear()

    def forward(self, x, phi, values):
        values["maps"] = a = phi(self.layer_0(x))
        values["block_0"] = a = phi(self.layer_2(phi(self.layer_1(a))) + a)
        values["block_1"] = a = phi(self.layer_4(phi(self.layer_3(a))) + self.shortcut(a))
        values["pooled"] = p = F.adaptive_avg_pool2d(a, 1).flatten(1)
        values["output"] = self.layer_5(p)
