"""PyTorch's transposed convolutions, which take channels before lengths and kernels as [channels, filters, window]."""

from __future__ import annotations

import torch.nn.functional as F


def transposed_convolution_1d(x, kernel, bias=None, **given):
    return _transposed(F.conv_transpose1d, x, kernel, bias, given)


def transposed_convolution_2d(x, kernel, bias=None, **given):
    return _transposed(F.conv_transpose2d, x, kernel, bias, given)


def _transposed(f, x, kernel, bias, given):
    pads, padding = given.pop("pads", None), given.pop("padding", None)
    if padding == "same":
        raise NotImplementedError("no padding by name")
    if pads is not None and pads[::2] != pads[1::2]:
        raise NotImplementedError("as much is cropped at the end as at the start")
    if pads is not None:
        given["padding"] = pads[::2]
    return f(x.movedim(-1, 1), kernel.movedim((-2, -1), (0, 1)), bias, **given).movedim(1, -1)
