"""The loss of three batch sizes over updates, epochs and seconds, from the committed experiment."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme


def draw(theme: Theme) -> Figure:
    """A panel for each way of counting; the same three curves."""
    series = load_experiments()["mini-batch-progress"]["series"]
    updates = np.array(series["updates"])
    figure, axes = plt.subplots(3, 1, figsize=theme.size(1.35), sharey=True)
    for color, style, (size, losses) in zip(theme.colors, ("-", "--", ":"), series["loss"].items(), strict=False):
        over = {
            "updates": updates,
            "epochs": updates * int(size) / series["examples"],
            "seconds": updates * series["seconds an update"][size],
        }
        for ax, (name, x) in zip(axes, over.items(), strict=True):
            ax.loglog(x, losses, color=color, linestyle=style, label=f"batch of {size}")
            ax.set_title(f"Loss over {name}", loc="left")
    for ax in axes:
        ax.set(yticks=[0.1, 0.2, 0.5], yticklabels=["0.1", "0.2", "0.5"])
        ax.minorticks_off()
    axes[0].legend(loc="lower left")
    return figure
