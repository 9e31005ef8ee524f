"""PyTorch: ``torch.nn.functional`` and, where that hands on to ``torch``, ``torch`` itself."""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F

from nnspec_conformance.adapters import _torch
from nnspec_conformance.adapters._weights_torch import (
    convolution_native,
    dense_native,
    gru_native,
    lstm_native,
    parameter_count,
)

NAME = "torch"
VERSION = torch.__version__
DTYPES = ("float32", "float64", "bfloat16", "float16")
VARIANTS = {
    "gelu.form": ("exact", "tanh"),
    "activation.subnormals[sigmoid]": "flushed",  # 1 / (1 + exp(-x)): exp(89) overflows in float32
    "activation.subnormals[silu]": "flushed",  # x / (1 + exp(-x)), likewise
    "parameter-count.rnn": "two",
    "parameter-count.lstm": "two",
    "parameter-count.gru": "two",
    "dense-native.kernel": "out-in",
    "convolution-native.kernel": "oihw",
    "lstm-native.packing": "rows-ifgo-two-biases",
    "gru-native.packing": "rows-rzn-two-biases",
}
DEFAULTS = {
    "gelu.default-form": "exact",
    "softmax.default-axis": 0,  # of three axes; of two it is 1, and PyTorch warns that it guesses
}
KNOWN_FAILURES = _torch.KNOWN_FAILURES | {
    "dense.bias-length": (
        "F.linear(x, weight, bias) with 5 units and a bias of one entry adds it to every unit, right is to refuse: the "
        "bias of addmm is expanded; nn.Linear makes its own bias, of the right length; not reported; "
        "https://github.com/pytorch/pytorch/blob/main/aten/src/ATen/native/Linear.cpp"
    ),
}

asarray, to_numpy, vjp = _torch.asarray, _torch.to_numpy, _torch.vjp

identity = torch.nn.Identity()
relu = F.relu
leaky_relu = F.leaky_relu
elu = F.elu
selu = F.selu
sigmoid = torch.sigmoid
tanh = torch.tanh
softplus = F.softplus
silu = F.silu
hard_sigmoid = F.hardsigmoid


def gelu(x, **given):
    if "form" in given:
        given["approximate"] = {"exact": "none", "tanh": "tanh"}[given.pop("form")]
    return F.gelu(x, **given)


def softmax(x, **given):
    return F.softmax(x, **_axis_as_dim(given))


def log_softmax(x, **given):
    return F.log_softmax(x, **_axis_as_dim(given))


def _axis_as_dim(given):
    return {"dim" if name == "axis" else name: value for name, value in given.items()}


def dense(x, kernel, bias):
    return F.linear(x, kernel.T, bias)


def neuron(x, weights, bias, *, activation):
    return _Function(activation)(F.linear(x, weights[None], bias[None])[..., 0])


def mlp(x, weights, *, activation):
    kernels = [name for name in weights if name.startswith("kernel_")]
    model = _sequential(len(kernels), activation)
    named = {}
    for name, value in weights.items():  # strict: a name too many or too few is refused
        part, i = name.split("_")
        named[f"{2 * int(i)}." + {"kernel": "weight"}.get(part, part)] = value.T if part == "kernel" else value
    return torch.func.functional_call(model, named, (x,), strict=True)


@functools.cache
def _sequential(depth, activation):
    """Layers without weights of their own; each takes its shape from the table."""
    phis = [_Function(activation) for _ in range(depth)]
    layers = [part for phi in phis for part in (torch.nn.Linear(1, 1, device="meta"), phi)]
    return torch.nn.Sequential(*layers[:-1])


class _Function(torch.nn.Module):
    def __init__(self, name):
        super().__init__()
        if name == "identity":
            self.function = torch.nn.Identity()
            return
        along = {"dim": -1} if name in ("softmax", "log_softmax") else {}
        self.function = functools.partial(getattr(F, {"hard_sigmoid": "hardsigmoid"}.get(name, name)), **along)

    def forward(self, x):
        return self.function(x)


def forward(x, weights, *, activation):
    values, depth = {}, sum(name.startswith("kernel_") for name in weights)
    if not depth:
        raise ValueError("no layers")
    phi = torch.nn.Identity() if activation == "identity" else _Function(activation)
    named = {}
    for name, value in weights.items():  # strict: a name too many or too few is refused
        part, i = name.split("_")
        named[f"{i}." + {"kernel": "weight"}.get(part, part)] = value.T if part == "kernel" else value
    torch.func.functional_call(_Recording(depth), named, (x, phi, values), strict=True)
    return values


class _Recording(torch.nn.ModuleList):
    """Stock layers that keep what they compute; each takes its shape from the weights that it is called with."""

    def __init__(self, depth):
        super().__init__(torch.nn.Linear(1, 1, device="meta") for _ in range(depth))

    def forward(self, a, phi, values):
        for i, layer in enumerate(self):
            values[f"z_{i}"] = z = layer(a)
            values[f"a_{i}"] = a = phi(z) if i < len(self) - 1 else z
