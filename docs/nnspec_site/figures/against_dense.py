"""Accuracies of a convolutional network and two dense ones on images and on clips, seed by seed."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme

# what is asked, the experiment, what follows the network's name in its series
QUESTIONS = [
    ("digits", "convolutional-against-dense", ", as they are"),
    ("pixels\nexchanged", "convolutional-against-dense", ", exchanged"),
    ("direction\nin a clip", "moving-digits", ""),
    ("which digit\nmoves", "which-digit-moves", ""),
]
NETWORKS = {
    "convolutional": "convolutional",
    "equal products": "dense, equal products",
    "equal parameters": "dense, equal parameters",
}


def draw(theme: Theme) -> Figure:
    """A dot for each seed, a bar for each mean."""
    results = load_experiments()
    figure, ax = plt.subplots(figsize=theme.size(0.75))
    for shift, (name, label), color, mark in zip((-0.22, 0, 0.22), NETWORKS.items(), theme.colors, "os^", strict=False):
        for place, (_, experiment, end) in enumerate(QUESTIONS):
            values = 100 * np.array(results[experiment]["series"][name + end])
            at = place + shift
            ax.hlines(values.mean(), at - 0.1, at + 0.1, color=color, linewidth=2.5, label="_" if place else label)
            ax.plot(np.full(len(values), at), values, mark, color=color, markersize=3.5)
    ax.set_xticks(range(len(QUESTIONS)), [words for words, *_ in QUESTIONS])
    ax.set(ylim=(0, 103), ylabel="accuracy, %")
    ax.grid(axis="x", visible=False)
    figure.legend(loc="outside upper left", ncols=1)
    return figure
