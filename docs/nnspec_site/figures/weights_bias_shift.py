"""Decision boundaries through the origin, and shifted."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nnspec_site.figures import Theme

GROUPS = (
    np.array([[0.5, 0.9], [0.9, 0.5], [1.0, 1.1], [0.4, 0.5]]),
    np.array([[1.7, 2.3], [2.3, 1.7], [2.4, 2.4], [1.9, 2.1]]),
)
DIRECTIONS = (20, 45, 70)  # degrees of the boundary
WEIGHTS = np.array([1.0, 1.0])
BIASES = (-1.2, -2.9, -4.6)
SIDE = (-0.4, 3.0)


def draw(theme: Theme) -> Figure:
    """Left maps without bias, right one weight vector with three biases; the one that separates is drawn bold."""
    figure, (left, right) = plt.subplots(1, 2, figsize=theme.size(0.62), sharey=True)
    reach = np.array([-6.0, 6.0])
    for degrees in DIRECTIONS:
        a = np.radians(degrees)
        left.plot(reach * np.cos(a), reach * np.sin(a), color=theme.muted, linewidth=1.3)
    left.plot(0, 0, marker="+", markersize=11, color=theme.text, markeredgewidth=2)
    left.annotate("origin", (0, 0), (8, -12), textcoords="offset points")
    left.set_title("Linear, w · x = 0:\nnone separates", loc="left")
    for bias in BIASES:
        separates = all(
            ((group @ WEIGHTS + bias > 0) == side).all() for group, side in zip(GROUPS, (0, 1), strict=True)
        )
        style = {"color": theme.text, "linewidth": 2.4} if separates else {"color": theme.muted, "linewidth": 1.3}
        right.plot(reach, (-bias - reach * WEIGHTS[0]) / WEIGHTS[1], **style)
        x = -bias + 0.25 if -bias < 2 else 2.6
        right.annotate(f"b = {bias}".replace("-", "−"), (x, -bias - x), (4, 4), textcoords="offset points")
    right.set_title("Affine, w = (1, 1):\nthe bias shifts", loc="left")
    for ax in (left, right):
        _points(ax, theme)
    left.set_ylabel("second input")
    return figure


def _points(ax: Axes, theme: Theme) -> None:
    for group, mark, color in zip(GROUPS, "os", theme.colors, strict=False):
        ax.plot(*group.T, marker=mark, linestyle="none", markersize=8, color=color)
    ax.set(xlim=SIDE, ylim=SIDE, aspect="equal", xticks=[0, 1, 2, 3], yticks=[0, 1, 2, 3], xlabel="first input")
