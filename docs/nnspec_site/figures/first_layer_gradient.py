"""The norm of each layer's gradient in thirty layers, measured and predicted."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme

# setting of the experiment, how it is called, colour, where its label stands (layer, factor above the line)
LINES = [
    ("tanh-2", "tanh, He", 2, (1.3, 12.0)),
    ("relu-2", "ReLU, He", 0, (1.3, 0.045)),
    ("relu-1", "ReLU, variance 1/n", 3, (6, 0.03)),
    ("sigmoid-2", "sigmoid, He", 1, (1.3, 3e5)),
]


def draw(theme: Theme) -> Figure:
    """Dots: root mean square over the seeds; band: from the least to the largest seed; lines: mean-field theory."""
    series = load_experiments()["first-layer-gradient"]["series"]
    figure, ax = plt.subplots(figsize=theme.size(0.66))
    for key, name, color, (at, factor) in LINES:
        line, shade = series[key], theme.colors[color]
        layers = np.arange(1, len(line["measured"]) + 1)
        ax.fill_between(layers, line["low"], line["high"], color=shade, alpha=0.2, linewidth=0)
        ax.semilogy(layers, line["predicted"], color=shade, linewidth=1.2)
        ax.semilogy(layers, line["measured"], "o", color=shade, markersize=3.5)
        height = factor * np.interp(at, layers, line["predicted"])
        ax.text(at, height, name, color=shade, fontweight="bold")
    ax.set(xlabel="layer (1 is next to the input)", xlim=(0.5, 30.5), ylim=(1e-17, 300))
    ax.set_title("Norm of the gradient for a layer's weights", loc="left")
    ax.set_xticks([1, 5, 10, 15, 20, 25, 30])
    ax.text(
        30,
        1.5e-16,
        "dots measured, lines predicted,\nbands from least to largest seed",
        ha="right",
        color=theme.muted,
    )
    return figure
