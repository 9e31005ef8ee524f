"""Patches of digits that most excite units of a first and of a second layer, as the experiment recorded them."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme


def patches(layer: int) -> np.ndarray:
    """Patches [units, patches, side, side] from 0 to 1, of layer 1 or 2."""
    units = load_experiments()["convolutional-hierarchy"]["series"]["patches"][f"layer {layer}"]
    levels = np.array([[[int(digit, 16) for digit in patch] for patch in unit] for unit in units])
    side = round(levels.shape[-1] ** 0.5)
    return levels.reshape(*levels.shape[:2], side, side) / 15


def montage(layer: int) -> np.ndarray:
    """One picture: a row for each unit, with lines of one pixel, NaN, between its patches."""
    framed = np.pad(patches(layer), ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=np.nan)
    units, count, side, _ = framed.shape
    return framed.transpose(0, 2, 1, 3).reshape(units * side, count * side)[:-1, :-1]


def draw(theme: Theme) -> Figure:
    """Both layers with pixels of one size."""
    pictures = [montage(layer) for layer in (1, 2)]
    figure, axes = plt.subplots(1, 2, figsize=theme.size(0.86), width_ratios=[picture.shape[1] for picture in pictures])
    for layer, (ax, picture) in enumerate(zip(axes, pictures, strict=True), 1):
        ax.imshow(picture, cmap="Greys" if theme.name == "light" else "gray", vmin=0, vmax=1, interpolation="nearest")
        ax.set_facecolor(theme.colors[0])  # shows where the picture is NaN
        ax.set_anchor("N")
        ax.set_title(f"layer {layer}", loc="left")
        ax.set(xticks=[], yticks=[])
        ax.grid(visible=False)
        ax.spines[:].set_visible(False)
    return figure
