"""``torch.flatten`` of maps that lie as [channels, height, width]."""

from __future__ import annotations

import torch

VARIANTS = {"network.flatten-order": "chw"}


def flatten_features(x):
    return torch.flatten(x.movedim(-1, 1), 1)
