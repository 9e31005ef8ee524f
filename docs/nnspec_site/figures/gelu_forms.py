"""How far the two approximations of GELU are from it."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from scipy import special

from nnspec_site.figures import Theme

X = np.linspace(-6, 6, 2401)


def draw(theme: Theme) -> Figure:
    """Above the three curves where they differ most, below the distance to the exact form on a logarithmic scale."""
    exact = X * special.ndtr(X)
    forms = {
        "tanh": 0.5 * X * (1 + np.tanh(np.sqrt(2 / np.pi) * (X + 0.044715 * X**3))),
        "sigmoid": X * special.expit(1.702 * X),
    }
    figure, (left, right) = plt.subplots(2, 1, figsize=theme.size(1.15), height_ratios=(3, 4))
    near = (X >= -4) & (X <= 0.5)
    left.plot(X[near], exact[near], color=theme.colors[0], linewidth=3, alpha=0.55)
    left.plot(X[near], forms["tanh"][near], color=theme.colors[1], linewidth=1.3, linestyle=(0, (5, 2)))
    left.plot(X[near], forms["sigmoid"][near], color=theme.colors[2], linewidth=1.3)
    left.set_title("The curves, where they differ", loc="left")
    left.set(xlabel="x", ylim=(-0.2, 0.12))
    left.text(-3.9, 0.09, "exact", color=theme.colors[0], fontweight="bold")
    left.text(-3.9, 0.06, "tanh (covers exact)", color=theme.colors[1], fontweight="bold")
    left.text(-3.9, 0.03, "sigmoid", color=theme.colors[2], fontweight="bold")
    for (name, y), color in zip(forms.items(), theme.colors[1:], strict=False):
        distance = np.abs(y - exact)
        right.semilogy(X, np.where(distance > 0, distance, np.nan), color=color)
        at = {"sigmoid": 6e-2, "tanh": 1.2e-5}[name]
        label = f"{name}: at most {distance.max():.1g}"
        box = {"facecolor": theme.background, "edgecolor": "none", "pad": 1.5}
        right.text(0, at, label, color=color, ha="center", fontweight="bold", bbox=box)
    right.set_title("Distance to exact (dotted: rounding at 1)", loc="left")
    right.set(xlabel="x", ylim=(1e-9, 0.3), xlim=(-6, 6))
    for level, text in ((2.0**-8, "bfloat16"), (2.0**-24, "float32")):
        right.axhline(level, color=theme.muted, linewidth=1, linestyle=":")
        right.text(-5.9, level * 1.25, text, color=theme.muted)
    return figure
