"""The entries of two feature maps as one row, place by place and channel by channel."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nnspec_conformance.oracles.architectures.convolutional.network import EXAMPLE_MAPS, flatten_features
from nnspec_site.figures import Theme

TITLES = {"hwc": "place by place: H, W, C", "chw": "channel by channel: C, H, W"}


def rows() -> dict[str, list[tuple[int, int]]]:
    """The entries by their order, each with its channel."""
    maps = np.array([EXAMPLE_MAPS])
    channels = np.broadcast_to(np.arange(maps.shape[-1]), maps.shape)
    return {
        order: [
            (int(entry), int(channel))
            for entry, channel in zip(
                *(flatten_features(a, flatten_order=order)[0] for a in (maps, channels)), strict=True
            )
        ]
        for order in TITLES
    }


def draw(theme: Theme) -> Figure:
    """Two rows of eight squares."""
    figure, axes = plt.subplots(2, 1, figsize=theme.size(0.45))
    for ax, (order, row) in zip(axes, rows().items(), strict=True):
        for place, (entry, channel) in enumerate(row):
            ax.add_patch(Rectangle((place, 0), 1, 1, facecolor=f"C{channel}", edgecolor="none", alpha=0.35))
            ax.text(place + 0.5, 0.5, str(entry), ha="center", va="center")
        ax.set_title(TITLES[order], loc="left")
        ax.set(xlim=(0, len(row)), ylim=(0, 1), xticks=[], yticks=[], aspect="equal")
        ax.grid(visible=False)
    return figure
