"""Gradient descent on a loss with two wells, from a start on each side of the barrier."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.oracles.components.optimization import gradient_descent, two_wells, two_wells_derivative
from nnspec_site.figures import Theme

STARTS = (-0.1, 0.3)
RATE, STEPS = 0.25, 24


def path(start: float) -> np.ndarray:
    """The start and the place after each step."""
    now = {"x": np.asarray(start)}
    step, found = gradient_descent(now, learning_rate=RATE), [start]
    for _ in range(STEPS):
        now = step({"x": two_wells_derivative(now["x"])})
        found.append(float(now["x"]))
    return np.array(found)


def draw(theme: Theme) -> Figure:
    """The curve, and the two paths on it."""
    figure, ax = plt.subplots(figsize=theme.size(0.55))
    x = np.linspace(-1.55, 1.5, 300)
    ax.plot(x, two_wells(x), color=theme.muted)
    for start, color in zip(STARTS, theme.colors, strict=False):
        at = path(start)
        ax.plot(at, two_wells(at), "o", color=color, markersize=4)
        ax.annotate(
            f"start {start:g}".replace("-", "\N{MINUS SIGN}"),
            (start, two_wells(start)),
            xytext=(-2, 9) if start < 0 else (2, 9),
            textcoords="offset points",
            ha="right" if start < 0 else "left",
            color=color,
        )
    ax.set(xlabel="parameter x", ylim=(-0.2, 0.6))
    ax.set_title("Loss with two wells, rate 1/4", loc="left")
    return figure
