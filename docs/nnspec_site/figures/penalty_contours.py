"""The solutions of a quadratic loss with an L1 and an L2 penalty, as the strength grows."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon

from nnspec_conformance.oracles.training.regularization import soft_threshold
from nnspec_site.figures import Theme

HESSIAN, LEAST = np.array([[1.0, 0.45], [0.45, 0.8]]), np.array([1.6, 0.7])
STRENGTHS = np.linspace(0, 2.4, 60)
SHOWN = 20  # of the strengths, for which the set and the level line are drawn


def lasso(strength: float) -> np.ndarray:
    """The minimum with the L1 penalty, by proximal steps."""
    x = LEAST
    for _ in range(400):
        x = soft_threshold(x - 0.6 * HESSIAN @ (x - LEAST), threshold=0.6 * strength)
    return x


def ridge(strength: float) -> np.ndarray:
    """The minimum with half the squares."""
    return np.linalg.solve(HESSIAN + strength * np.eye(2), HESSIAN @ LEAST)


def draw(theme: Theme) -> Figure:
    """Level lines of the loss, the set that the penalty allows, and the path of the solutions."""
    figure, axes = plt.subplots(1, 2, figsize=theme.size(0.6), sharey=True)
    x, y = np.meshgrid(np.linspace(-0.7, 2.6, 150), np.linspace(-0.9, 1.9, 150))
    d = np.stack([x - LEAST[0], y - LEAST[1]], -1)
    loss = np.einsum("...i,ij,...j->...", d, HESSIAN, d) / 2
    for ax, color, name, solve in zip(axes, theme.colors, ("L1", "L2"), (lasso, ridge), strict=False):
        path = np.array([solve(strength) for strength in STRENGTHS])
        at = path[SHOWN]
        level = (at - LEAST) @ HESSIAN @ (at - LEAST) / 2
        ax.contour(x, y, loss, levels=sorted({0.05, 0.25, 0.6, 1.2, float(level)}), colors=theme.muted, linewidths=0.7)
        size = np.abs(at).sum()
        shape = (
            Polygon([(size, 0), (0, size), (-size, 0), (0, -size)], facecolor="none", edgecolor=color)
            if name == "L1"
            else Circle((0, 0), float(np.hypot(*at)), facecolor="none", edgecolor=color)
        )
        ax.add_patch(shape)
        ax.plot(*path.T, color=color, linewidth=2.2)
        ax.plot(*at, "o", color=color, markersize=5)
        ax.plot(*LEAST, "+", color=theme.text, markersize=9)
        ax.set(xlim=(-0.7, 2.6), ylim=(-0.9, 1.9), aspect="equal", xticks=[0, 1, 2], yticks=[0, 1])
        ax.set_title(name, loc="left", color=color)
    return figure


def numbers() -> dict:
    """The loss and where the slider stands first; the script finds the minima, and a test holds them to these."""
    return {"hessian": HESSIAN.tolist(), "least": LEAST.tolist(), "last": float(STRENGTHS[-1]), "shown": 0.8}
