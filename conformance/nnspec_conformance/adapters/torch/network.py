"""Stock layers with the weights of a table, and activation functions by name."""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F

# Measured: what was asked, what came, what is right, and why.
BIAS = (
    "a bias of one entry is added to every unit, and [1, out] is taken for [out], right is to refuse: the bias of "
    "addmm is expanded, and functional_call compares no shapes; nn.Linear makes its own bias, of the right length; "
    "searched 2026-11-27, not found; https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/Linear.cpp"
)
NAMES = (
    "relu6, mish and dropout are taken for an activation, right is to refuse: PyTorch names activations by the "
    "functions of torch.nn.functional, which has more of them; searched 2026-11-27, not found; "
    "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/functional.py"
)


class Activation(torch.nn.Module):
    """The function of a name; those of a whole row take the last axis."""

    def __init__(self, name):
        super().__init__()
        if name == "identity":
            self.function = torch.nn.Identity()
            return
        along = {"dim": -1} if name in ("softmax", "log_softmax") else {}
        self.function = functools.partial(getattr(F, {"hard_sigmoid": "hardsigmoid"}.get(name, name)), **along)

    def forward(self, x):
        return self.function(x)


def linear():
    """A layer without weights of its own: it takes its shape from those that it is called with."""
    return torch.nn.Linear(1, 1, device="meta")


def call(model, weights, *arrays, stride=1):
    """The model with the table of a network: ``kernel_1`` is the weight of its layer 1, or 2 with a stride of 2."""
    named = {}
    for name, value in weights.items():  # strict: a name too many or too few is refused
        part, _, i = name.partition("_")
        own = "weight" if part == "kernel" else part
        place = f"{stride * int(i)}.{own}" if i.isdigit() else name
        named[place] = value.T if part == "kernel" else value
    return torch.func.functional_call(model, named, arrays, strict=True)
