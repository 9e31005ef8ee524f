"""Temporary memory of the gradient by depth, for a Python loop and a scan, with and without rematerialization."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme

# form: how it is called, colour, marker, where its label stands (layers, arrays)
LINES = {
    "scan": ("scan", 1, "s", (19.5, 55)),
    "loop": ("Python loop", 0, "o", (24.6, 44)),
    "loop, rematerialized": ("", 0, "x", (0, 0)),
    "scan, rematerialized": ("scan, rematerialized", 2, "D", (19.5, 16.5)),
}


def draw(theme: Theme) -> Figure:
    """Marks and lines measured; dashed from the least depth on with the slope that was predicted."""
    series = load_experiments()["stored-activations"]["series"]
    depths = np.array(series["depths"])
    figure, ax = plt.subplots(figsize=theme.size(0.66))
    for form, (name, color, marker, at) in LINES.items():
        shade, stored = theme.colors[color], np.array(series["stored"][form])
        ax.plot(depths, stored, marker=marker, color=shade, markersize=8 if marker == "x" else 5)
        ax.plot(
            depths,
            stored[0] + series["predicted"][form] * (depths - depths[0]),
            color=shade,
            linewidth=1,
            linestyle=(0, (4, 3)),
        )
        ax.text(at[0], at[1], name, color=shade, fontweight="bold")
    ax.set(xlabel="layers", xticks=depths, xlim=(2, 33.5), ylim=(0, 74))
    ax.set_title("Temporary memory, in activations of one layer", loc="left")
    words = "solid measured, dashed predicted growth\nPython loop, rematerialized: the same"
    ax.text(2.6, 71, words, color=theme.muted, va="top")
    return figure
