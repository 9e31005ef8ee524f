"""``nn.Dropout``, and ``nn.Dropout1d`` to ``nn.Dropout3d``, which take the channels first."""

from __future__ import annotations

import torch
from torch import nn

VARIANTS = {"dropout.dropped": "nan"}
KNOWN_FAILURES = {
    "dropout.memory[dropout]": (
        "of 64 times 5 ones that lie transposed in memory the same seed drops other entries, right is the same ones: "
        "the mask is drawn in the order of the memory; searched 2026-11-28, not found; "
        "https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/Dropout.cpp"
    ),
}


def dropout(x, *, seed, rate, **given):
    torch.manual_seed(seed)
    return _layer(nn.Dropout, rate, **given)(x)


def feature_dropout(x, *, seed, rate, **given):
    kinds = {3: nn.Dropout1d, 4: nn.Dropout2d, 5: nn.Dropout3d}
    if x.ndim not in kinds:
        raise NotImplementedError("one, two or three axes of places")
    torch.manual_seed(seed)
    return _layer(kinds[x.ndim], rate, **given)(x.movedim(-1, 1)).movedim(1, -1)


def repeated_dropout(x, *, seed, rate):
    torch.manual_seed(seed)
    layer = nn.Dropout(rate)
    return layer(x), layer(x)


def _layer(kind, rate, **given):
    mode = [given.pop("train")] if "train" in given else []
    layer = kind(rate, **given)
    return layer.train(*mode) if mode else layer
