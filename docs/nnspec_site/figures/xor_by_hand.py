"""XOR with two ReLU units, as it is worked by hand: the points among the inputs, and among the hidden units."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nnspec_site.figures import Theme

POINTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
LABELS = np.array([0, 1, 1, 0])
LINE = np.array([-3.0, 3.0])


def draw(theme: Theme) -> Figure:
    """Two panels; a point's mark and colour are its label."""
    sums = POINTS.sum(axis=1)
    hidden = np.stack([np.maximum(sums, 0), np.maximum(sums - 1, 0)], axis=1)
    figure, (left, right) = plt.subplots(1, 2, figsize=theme.size(0.56))
    for start, name, place in ((0, "$h_1 > 0$", (0.62, -0.5)), (1, "$h_2 > 0$", (-0.2, 1.42))):
        left.plot(LINE, start - LINE, color=theme.text, linewidth=1.2, linestyle=(0, (5, 3)))
        left.text(*place, name)
    _points(left, theme, POINTS)
    _names(left, {(a, b): f"({a}, {b})" for a, b in POINTS}, (11, 7), "left")
    left.set_title("The inputs", loc="left")
    left.set(xlim=(-0.7, 1.7), ylim=(-0.7, 1.7), xlabel="$x_1$", ylabel="$x_2$")
    right.plot(LINE, (LINE - 0.5) / 2, color=theme.text, linewidth=1.5)
    _points(right, theme, hidden)
    _names(right, {(0, 0): "(0, 0)", (2, 1): "(1, 1)"}, (0, 10), "center")
    _names(right, {(1, 0): "(0, 1) and (1, 0)"}, (0, -20), "center")
    right.set_title("The hidden units", loc="left")
    right.set(xlim=(-0.5, 2.5), ylim=(-1.0, 2.0), xlabel="$h_1$", ylabel="$h_2$")
    for ax in (left, right):
        ax.set(aspect="equal", xticks=[0, 1, 2][: 2 + (ax is right)], yticks=[0, 1])
    return figure


def _points(ax: Axes, theme: Theme, points: np.ndarray) -> None:
    for point, label in zip(points, LABELS, strict=True):
        ax.plot(*point, marker="s" if label else "o", markersize=11, color=theme.colors[label], linestyle="none")


def _names(ax: Axes, names: dict[tuple[int, int], str], offset: tuple[int, int], side: str) -> None:
    for point, name in names.items():
        ax.annotate(name, point, offset, textcoords="offset points", ha=side, fontweight="bold")
