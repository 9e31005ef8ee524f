"""Mistakes of a perceptron by the margin of its data, below the bound."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme


def draw(theme: Theme) -> Figure:
    """A dot a seed, moved a little sideways; the lines have slopes 2 (the bound) and as measured."""
    result = load_experiments()["perceptron-mistakes"]
    margins, bound, made = (np.array(result["series"][name]) for name in ("margins", "bound", "mistakes"))
    figure, ax = plt.subplots(figsize=theme.size(0.62, width=6.0))
    ax.loglog(margins, bound, color=theme.colors[1])
    aside = np.exp(np.linspace(-0.06, 0.06, len(made)))
    ax.loglog(np.outer(aside, margins), made, "o", color=theme.colors[0], markersize=3.5, alpha=0.7)
    mean = np.exp(np.log(made).mean(0))
    ax.loglog(margins, mean, color=theme.colors[0], linewidth=1.2)
    ax.text(0.045, 1800, "bound, $(R/\\gamma)^2$", color=theme.colors[1], fontweight="bold", ha="left")
    exponent = result["effect"]["value"]
    ax.text(
        0.045, 18, f"made, about $\\gamma^{{-{exponent:.2f}}}$", color=theme.colors[0], fontweight="bold", ha="right"
    )
    ax.set(xlabel="margin of the data", ylabel="mistakes until a pass has none", ylim=(6, 40_000))
    ax.set_xticks(margins, [f"{margin:g}" for margin in margins])
    ax.minorticks_off()
    ax.set_title("200 points on the unit sphere in 20 dimensions", loc="left")
    return figure
