"""The line that a neuron with two inputs draws, its weights as the normal, its bias as the offset."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_site.figures import Theme

WEIGHTS, BIAS = np.array([1.0, 2.0]), -3.0
START = [1.0, -1.0, 0.5]  # of the moving figure: two of OR's four points right, the rest is the reader's
POINTS = [[-1, -1], [-1, 1], [1, -1], [1, 1]]  # -1 stands for false, as in the tables of the page
SIDE = np.linspace(-1.4, 4.2, 81)


def draw(theme: Theme) -> Figure:
    """The sides are shaded by the sign of the sum; thin lines are those of equal sums."""
    figure, ax = plt.subplots(figsize=theme.size(0.86))
    grid = np.stack(np.meshgrid(SIDE, SIDE), axis=-1)
    z = grid @ WEIGHTS + BIAS
    ax.contourf(SIDE, SIDE, z, levels=[-1e9, 0, 1e9], colors=[theme.colors[1], theme.colors[0]], alpha=0.14)
    levels = ax.contour(SIDE, SIDE, z, levels=[-5, -2.5, 2.5, 5], colors=[theme.muted], linewidths=0.8)
    ax.clabel(levels, [-5, 2.5, 5], fmt=lambda value: f"{value:+g}")
    ax.contour(SIDE, SIDE, z, levels=[0], colors=[theme.text], linewidths=2.2)
    length = np.linalg.norm(WEIGHTS)
    foot = -BIAS / length**2 * WEIGHTS  # the point of the line that is nearest to the origin
    tip = foot + WEIGHTS
    for (x0, y0), (x1, y1), colour in (((0, 0), foot, theme.colors[2]), (foot, tip, theme.colors[3])):
        ax.annotate("", (x1, y1), (x0, y0), arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 2.2})
    ax.plot(0, 0, "o", color=theme.text, markersize=5)
    ax.text(-0.1, -0.35, "origin", ha="center")
    ax.text(0.42, 0.42, "$|b|\\,/\\,\\Vert w \\Vert$", color=theme.colors[2], fontweight="bold")
    ax.text(1.7, 2.95, "$w$", color=theme.colors[3], fontsize=12)
    ax.text(2.55, 0.5, "$w \\cdot x + b = 0$", rotation=-26.6, rotation_mode="anchor")
    ax.text(2.9, 3.3, "sum positive", color=theme.colors[0], fontweight="bold", ha="center")
    ax.text(-0.65, 1.05, "sum negative", color=theme.colors[1], fontweight="bold", ha="center")
    limits = (SIDE[0], SIDE[-1])
    ax.set(xlim=limits, ylim=limits, aspect="equal", xlabel="first input", ylabel="second input")
    ax.set_title(f"$w = ({WEIGHTS[0]:g}, {WEIGHTS[1]:g})$, $b = {BIAS:g}$", loc="left")
    return figure


def numbers() -> dict:
    """Where the sliders stand at first, the four points, and what each function of them is."""
    table = {"AND": np.logical_and, "OR": np.logical_or, "XOR": np.logical_xor}
    true = np.array(POINTS) > 0
    targets = {name: np.where(function(*true.T), 1, -1).tolist() for name, function in table.items()}
    return {"start": START, "points": POINTS, "targets": targets}
