"""Mistakes of a perceptron by the margin of its data, below the bound."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme
from nnspec_site.figures._seeds import dots


def draw(theme: Theme) -> Figure:
    """A dot a seed, moved a little sideways; the lines are the bound and the mean."""
    result = load_experiments()["perceptron-mistakes"]
    margins, bound, made = (np.array(result["series"][name]) for name in ("margins", "bound", "mistakes"))
    figure, ax = plt.subplots(figsize=theme.size(0.62))
    ax.loglog(margins, bound, color=theme.colors[1])
    mean = dots(ax, margins, made, theme.colors[0], aside=0.06)
    ax.loglog(margins, mean, color=theme.colors[0], linewidth=1.2)
    ax.text(0.045, 1800, "bound, $(R/\\gamma)^2$", color=theme.colors[1], fontweight="bold", ha="left")
    ax.text(0.045, 18, "made", color=theme.colors[0], fontweight="bold", ha="right")
    for at, exponent in zip(np.sqrt(margins[1:] * margins[:-1]), result["series"]["exponents"], strict=True):
        ax.text(at, 5.5, f"$\\gamma^{{-{exponent:.1f}}}$", color=theme.muted, ha="center")
    ax.set(xlabel="margin of the data", ylabel="mistakes until a pass has none", ylim=(4, 40_000))
    ax.set_xticks(margins, [f"{margin:g}" for margin in margins])
    ax.minorticks_off()
    ax.set_title("200 points on the unit sphere in 20 dimensions", loc="left")
    return figure
