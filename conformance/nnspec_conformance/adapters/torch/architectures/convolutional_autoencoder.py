"""A module of stock layers, ``Conv2d`` and ``ConvTranspose2d``, called with the weights of the table."""

from __future__ import annotations

import functools

import torch
from torch import nn

NETWORKS = ("convolutional_autoencoder", "tied_convolutional_autoencoder")
CALL = "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/_functorch/functional_call.py"
SIDES = (
    "an image of 6 x 12 comes back as 4 x 12, right is to refuse it: a layer leaves out the rows that no window "
    "reaches; searched 2026-11-29, not found; "
    "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/modules/conv.py"
)
WINDOWS = (
    "a kernel of {} taps is taken in the place of 4 x 4, right is a refusal: functional_call compares no shapes; "
    f"searched 2026-11-28, not found; {CALL}"
)
KNOWN_FAILURES = {
    **{f"convolutional-autoencoder.sides[{name}]": SIDES for name in NETWORKS},
    **{f"duty.refusals[{name}]": WINDOWS.format("5 x 4") for name in NETWORKS},
    **{f"duty.broadcasting[{name}]": WINDOWS.format("1 x 4") for name in NETWORKS},
}
ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU}


def convolutional_autoencoder(x, weights, *, activation):
    return _called(x, {_name(name): _laid_out(name, w) for name, w in weights.items()}, activation)


def tied_convolutional_autoencoder(x, weights, *, activation):
    table = {}
    for name, w in weights.items():
        if name.startswith("kernel_"):  # [out, in, window] of a convolution is [in, out, window] of what undoes it
            w = _laid_out("encoder", w)
            table |= {f"{half}.{name.removeprefix('kernel_')}.weight": w for half in ("encoder", "decoder")}
        else:
            table[_name(name) if "_bias_" in name else name] = w
    return _called(x, table, activation)


def _called(x, table, activation):
    results = torch.func.functional_call(_network(activation), table, (x.movedim(-1, 1),), strict=True)
    return tuple(part.movedim(1, -1) for part in results)


class ConvolutionalAutoencoder(nn.Module):
    """The layers without weights of their own: they take their shapes from those that they are called with."""

    def __init__(self, activation):
        super().__init__()
        self.encoder = nn.ModuleList([nn.Conv2d(1, 1, 4, stride=2, padding=1) for _ in range(2)])
        self.decoder = nn.ModuleList([nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1) for _ in range(2)])
        self.phi = activation()

    def forward(self, x):
        code = self.encoder[1](self.phi(self.encoder[0](x)))
        return code, self.decoder[0](self.phi(self.decoder[1](code)))


@functools.cache
def _network(activation):
    with torch.device("meta"):
        return ConvolutionalAutoencoder(ACTIVATIONS[activation])


def _name(name):
    """The name of an array in the module; one that is not its own is refused there."""
    half, _, rest = name.partition("_")
    part, _, i = rest.partition("_")
    return f"{half}.{i}.{ {'kernel': 'weight'}.get(part, part) }"


def _laid_out(name, w):
    """[out, in, window] of a convolution, and [in, out, window] of a transposed one."""
    if w.ndim != 4:
        return w
    return w.movedim((-1, -2), (0, 1) if name.startswith("encoder") else (1, 0))
