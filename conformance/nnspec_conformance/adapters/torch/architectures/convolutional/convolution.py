"""PyTorch's convolutions, which take channels before lengths and kernels as [filters, channels, window]."""

from __future__ import annotations

import torch.nn.functional as F


def convolution_1d(x, kernel, bias=None, **given):
    return _convolution(F.conv1d, x, kernel, bias, given)


def convolution_2d(x, kernel, bias=None, **given):
    return _convolution(F.conv2d, x, kernel, bias, given)


def _convolution(f, x, kernel, bias, given):
    x, pads, stride = x.movedim(-1, 1), given.pop("pads", None), given.get("stride")
    if given.get("padding") == "same_lower":
        raise NotImplementedError("no same_lower")
    if given.get("padding") == "same" and stride and max(stride) > 1:
        raise NotImplementedError("padding='same' is not supported for strided convolutions")
    if pads is not None and pads[::2] == pads[1::2]:
        given["padding"] = pads[::2]
    elif pads is not None:  # it pads the last axis first
        pairs = [pads[i : i + 2] for i in range(0, len(pads), 2)]
        x = F.pad(x, tuple(n for pair in pairs[::-1] for n in pair))
    return f(x, kernel.movedim((-1, -2), (0, 1)), bias, **given).movedim(1, -1)
