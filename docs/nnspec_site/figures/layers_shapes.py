"""A multilayer perceptron drawn layer by layer, with the shapes of its arrays."""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_site.figures import Theme

SIZES = (4, 6, 5, 3)
NAMES = ("input layer", "hidden layer", "hidden layer", "output layer")
SYMBOLS = ("$x$", "$h_1 =$\n$\\phi(xW_0 + b_0)$", "$h_2 =$\n$\\phi(h_1W_1 + b_1)$", "$y =$\n$h_2W_2 + b_2$")


def draw(theme: Theme) -> Figure:
    """Circles are units, lines weights; below each layer its activations, between layers kernel and bias."""
    figure, ax = plt.subplots(figsize=theme.size(1.0))
    places = [[(column, row - (size - 1) / 2) for row in range(size)] for column, size in enumerate(SIZES)]
    for left, right in itertools.pairwise(places):
        for (x0, y0), (x1, y1) in itertools.product(left, right):
            ax.plot([x0, x1], [y0, y1], color=theme.muted, linewidth=0.6, alpha=0.6, zorder=1)
    for column, (units, name, symbol) in enumerate(zip(places, NAMES, SYMBOLS, strict=True)):
        colour = theme.colors[0] if name.startswith("hidden") else theme.colors[2 if column else 1]
        xs, ys = np.array(units).T
        ax.scatter(xs, ys, s=230, color=colour, edgecolor=theme.background, linewidth=1.5, zorder=2)
        ax.text(column, 3.35, name, ha="center", fontweight="bold", color=colour)
        ax.text(column, -3.9, symbol, ha="center", va="center")
        ax.text(column, -4.8, f"[batch, {SIZES[column]}]", ha="center", color=theme.muted)
    for column, (n, m) in enumerate(itertools.pairwise(SIZES)):
        middle = column + 0.5
        ax.text(middle, -6.0, f"kernel_{column}\n[{n}, {m}]", ha="center", family="monospace")
        ax.text(middle, -6.7, f"bias_{column} [{m}]", ha="center", family="monospace")
    ax.set(xlim=(-0.5, len(SIZES) - 0.5), ylim=(-6.9, 3.8))
    ax.axis("off")
    return figure
