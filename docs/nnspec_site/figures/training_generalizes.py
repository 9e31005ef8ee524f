"""Training and test loss of the committed experiment, with true labels and with labels that were drawn."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme

TITLES = {"true": "True labels", "random": "Random labels"}


def draw(theme: Theme) -> Figure:
    """A panel for each kind of labels, and the loss of guessing in both."""
    series = load_experiments()["training-generalizes"]["series"]
    figure, axes = plt.subplots(2, 1, figsize=theme.size(1.0), sharex=True, sharey=True)
    for ax, (labels, title) in zip(axes, TITLES.items(), strict=True):
        for (name, losses), color, style in zip(series[labels].items(), theme.colors, ("-", "--"), strict=False):
            ax.plot(series["epochs"], np.array(losses), color=color, linestyle=style, label=name)
        ax.axhline(series["guessing"], color=theme.muted, linewidth=1)
        ax.set(yscale="log", ylabel="loss")
        ax.minorticks_off()
        ax.set_title(title, loc="left")
    axes[1].legend(loc="lower left", frameon=False)
    axes[0].text(series["epochs"][-1], series["guessing"] * 1.25, "guessing", ha="right", color=theme.text)
    axes[1].set(xlabel="epochs")
    return figure
