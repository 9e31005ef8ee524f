"""Two players on the product xy, one down and one up its slope: at once, or one after the other."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_site.figures import Theme

STEPS, RATE, START = 40, 0.3, (1.0, 0.0)
SHOWN = 3.0  # of both coordinates


def path(rate: float, alternating: bool) -> np.ndarray:
    """Where both stand after each step."""
    x, y = START
    found = [(x, y)]
    for _ in range(STEPS):
        before, x = x, x - rate * y
        y += rate * (x if alternating else before)
        found.append((x, y))
    return np.array(found)


def draw(theme: Theme) -> Figure:
    """Both paths, and the equilibrium in the middle."""
    figure, axes = plt.subplots(1, 2, figsize=theme.size(0.52), sharey=True)
    for ax, alternating, color in zip(axes, (False, True), theme.colors, strict=False):
        ax.plot(*path(RATE, alternating).T, color=color, linewidth=1.2, marker=".", markersize=4)
        ax.plot(0, 0, "+", color=theme.text, markersize=9)
        ax.set_aspect("equal")
        ax.set(xlim=(-SHOWN, SHOWN), ylim=(-SHOWN, SHOWN), xlabel="x")
        ax.set_title("one after the other" if alternating else "both at once", loc="left")
    axes[0].set_ylabel("y")
    return figure


def numbers() -> dict:
    """Where it starts, and how long it goes."""
    return {"start": list(START), "rate": RATE, "steps": STEPS}
