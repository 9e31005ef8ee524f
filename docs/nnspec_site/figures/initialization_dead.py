"""The share of ReLU units that are 0 for two inputs, and for all 32, in each layer of the committed experiment."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme


def draw(theme: Theme) -> Figure:
    """Measured and by the formula."""
    series = load_experiments()["initialization-dead"]["series"]
    figure, ax = plt.subplots(figsize=theme.size(0.6))
    ax.plot(series["layer"], series["theory"], color=theme.muted, linestyle="--", label="0 for two inputs, formula")
    ax.plot(series["layer"], series["measured"], color=theme.colors[0], label="0 for two inputs, measured")
    ax.plot(series["layer"], series["all"], color=theme.colors[1], label="0 for all 32 inputs, measured")
    ax.set(xlabel="layer", ylabel="share of units", xlim=(1, len(series["layer"])), ylim=(0, 0.55))
    ax.legend(loc="lower right")
    return figure
