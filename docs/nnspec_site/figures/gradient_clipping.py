"""One gradient clipped by its norm and by value: the first keeps the direction."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Patch, Rectangle

from nnspec_conformance.oracles.training.gradient_clipping import clip_by_norm, clip_by_value
from nnspec_site.figures import Theme

GRADIENT, LIMIT = np.array([8.0, 3.0]), 5.0


def draw(theme: Theme) -> Figure:
    """Two panels: the arrow, the set of what the limit allows, and the clipped arrow."""
    figure, axes = plt.subplots(1, 2, figsize=theme.size(0.62), sharey=True)
    disc = Circle((0, 0), LIMIT, facecolor="none", edgecolor=theme.muted)
    square = Rectangle((-LIMIT, -LIMIT), 2 * LIMIT, 2 * LIMIT, facecolor="none", edgecolor=theme.muted)
    by_norm = clip_by_norm({"g": GRADIENT}, limit=LIMIT)["g"]
    by_value = clip_by_value({"g": GRADIENT}, limit=LIMIT)["g"]
    _panel(axes[0], theme, "By norm", disc, by_norm, theme.colors[0])
    _panel(axes[1], theme, "By value", square, by_value, theme.colors[1])
    return figure


def _panel(ax: Axes, theme: Theme, title: str, allowed: Patch, clipped: np.ndarray, color: str) -> None:
    ax.add_patch(allowed)
    for (x, y), shade, width in ((GRADIENT, theme.muted, 1.2), (clipped, color, 2.2)):
        ax.annotate("", (x, y), (0, 0), arrowprops={"arrowstyle": "->", "color": shade, "linewidth": width})
    ax.text(x=GRADIENT[0], y=GRADIENT[1], s=" (8, 3)", color=theme.muted, ha="right", va="bottom")
    ax.text(0.0, -1.2, f"({clipped[0]:.3g}, {clipped[1]:.3g})", color=color, ha="center", va="top")
    ax.set(xlim=(-6, 9.5), ylim=(-6, 6), aspect="equal")
    ax.set_title(title, loc="left", color=color)
