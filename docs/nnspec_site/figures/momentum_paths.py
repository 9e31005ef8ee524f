"""Gradient descent, heavy ball and Nesterov's form in a narrow valley, each with its best constants."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.oracles.components.optimization import gradient_descent
from nnspec_conformance.oracles.training import momentum as oracle
from nnspec_site.figures import Theme

CURVATURES = np.array(oracle.EXAMPLE_CURVATURES)
STEPS = 10


def paths() -> dict[str, np.ndarray]:
    """The start and the places after each step, for each method."""
    low, high = map(float, CURVATURES)
    rate, beta, _ = oracle.heavy_ball_constants(low, high)
    ahead_rate, ahead, _ = oracle.nesterov_constants(low, high)
    start = {"w": np.array(oracle.EXAMPLE_PATH[0])}
    methods = {
        "gradient descent": gradient_descent(start, learning_rate=2 / (low + high)),
        "heavy ball": oracle.momentum(start, learning_rate=rate, momentum=beta),
        "Nesterov": oracle.nesterov(start, learning_rate=ahead_rate, momentum=ahead),
    }
    found = {}
    for name, step in methods.items():
        now = [start["w"]]
        for _ in range(STEPS):
            now.append(step({"w": CURVATURES * now[-1]})["w"])
        found[name] = np.array(now)
    return found


def draw(theme: Theme) -> Figure:
    """Level lines and a path in each of three panels."""
    figure, axes = plt.subplots(3, 1, figsize=theme.size(1.15), sharex=True)
    x, y = np.meshgrid(np.linspace(-4, 18, 120), np.linspace(-25, 20, 120))
    loss = (x**2 + 9 * y**2) / 2
    for ax, color, (name, path) in zip(axes, theme.colors, paths().items(), strict=False):
        ax.contour(x, y, loss, levels=[20, 120, 400, 1000, 2000], colors=theme.muted, linewidths=0.6)
        ax.plot(*path.T, "o-", color=color, markersize=3.5, linewidth=1.2)
        ax.plot(0, 0, "+", color=theme.text, markersize=9)
        ax.set_title(name, loc="left", color=color)
        ax.set_yticks([-20, 0, 20])
        ax.grid(visible=False)
    axes[-1].set_xlabel("x")
    return figure
