"""The error of the truncated gradient by the length of the window."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme
from nnspec_site.figures._seeds import dots


def draw(theme: Theme) -> Figure:
    """A dot a network, the line is their geometric mean; the window of all steps has no error, and no place here."""
    series = load_experiments()["truncated-backpropagation"]["series"]
    windows, errors = np.array(series["windows"]), np.array(series["errors"])
    shown = windows < 40
    figure, ax = plt.subplots(figsize=theme.size(0.5))
    ax.set(xscale="log", yscale="log")
    mean = dots(ax, windows[shown], errors[:, shown], theme.colors[0], aside=0.04)
    ax.plot(windows[shown], mean, color=theme.colors[0], linewidth=1.2)
    ax.set_xticks(windows[shown], [f"{window:g}" for window in windows[shown]])
    ax.minorticks_off()
    ax.set(xlabel="steps in the window, of 40", ylabel="error / length of the gradient")
    ax.set_title("What the truncated gradient lacks", loc="left")
    return figure
