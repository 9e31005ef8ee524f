"""Accuracy of four networks on digits that are moved, by how many pixels: as the experiment measured it."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme

WAYS = {
    "max": ("max pooling", "-"),
    "average": ("average pooling", "--"),
    "stride": ("stride 2", "-."),
    "none": ("no pooling", ":"),
}


def draw(theme: Theme) -> Figure:
    """A line for each way to shrink the maps."""
    accuracies = load_experiments()["pooling-shifts"]["series"]["accuracies"]
    figure, ax = plt.subplots(figsize=theme.size(0.6))
    for (way, (label, line)), color in zip(WAYS.items(), theme.colors, strict=False):
        ax.plot(range(5), [100 * a for a in accuracies[way]], line, color=color, marker="o", label=label)
    ax.set(xlabel="moved by so many pixels", ylabel="accuracy, %", xticks=range(5), ylim=(0, 100))
    ax.legend(loc="lower left")
    return figure
