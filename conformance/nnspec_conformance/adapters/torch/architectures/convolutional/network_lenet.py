"""``nn.Sequential`` of stock layers, called with the weights of the table."""

from __future__ import annotations

import functools

import torch
from torch import nn

CALL = "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/_functorch/functional_call.py"
KNOWN_FAILURES = {
    "duty.refusals[lenet]": (
        "a kernel of 5 x 4 is taken beside one of 4 x 4, right is a refusal: functional_call compares no shapes; "
        f"searched 2026-11-28, not found; {CALL}"
    ),
    "duty.broadcasting[lenet]": (
        "a kernel of 1 x 4 is taken beside one of 4 x 4, and a bias of one entry for every unit, right is a refusal: "
        f"functional_call compares no shapes, and addmm expands its bias; searched 2026-11-28, not found; {CALL}"
    ),
}
PLACES = {"kernel_0": 0, "kernel_1": 3, "kernel_2": 7, "kernel_3": 9}  # of the layers with weights
PARTS = {"kernel": "weight"}
ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU}
POOLS = {"average": nn.AvgPool2d, "max": nn.MaxPool2d}


def lenet(x, weights, *, activation, pooling):
    table = {_name(name): _laid_out(w) for name, w in weights.items()}
    return torch.func.functional_call(_network(activation, pooling), table, (x.movedim(-1, -3),), strict=True)


@functools.cache
def _network(activation, pooling):
    """The layers without weights of their own: they take their shapes from those that they are called with."""
    phi, pool = ACTIVATIONS[activation], POOLS[pooling]
    with torch.device("meta"):
        return nn.Sequential(
            nn.Conv2d(1, 1, 1, padding="same"), phi(), pool(2),
            nn.Conv2d(1, 1, 1, padding="same"), phi(), pool(2),
            nn.Flatten(), nn.Linear(1, 1), phi(), nn.Linear(1, 1),
        )  # fmt: skip


def _name(name):
    """The name of an array in the network; one that is not its own stays as it is, and is refused there."""
    part, _, i = name.partition("_")
    return f"{PLACES[f'kernel_{i}']}.{PARTS.get(part, part)}" if f"kernel_{i}" in PLACES else name


def _laid_out(w):
    """[filters, channels, window], and [out, in]."""
    return w.movedim((-1, -2), (0, 1)) if w.ndim == 4 else w.T if w.ndim == 2 else w
