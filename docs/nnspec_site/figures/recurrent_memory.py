"""What a linear read-out of the state tells of earlier inputs, with the loop and without it."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme


def draw(theme: Theme) -> Figure:
    """The share of each earlier input's variance that is read, mean over the networks."""
    result = load_experiments()["recurrent-memory"]
    figure, ax = plt.subplots(figsize=theme.size(0.5))
    for name, colour, words, at in (
        ("with", theme.colors[0], "with the recurrent kernel", (21, 0.86)),
        ("without", theme.colors[1], "without it", (2, 0.07)),
    ):
        told = np.array(result["series"][name])
        ax.plot(np.arange(len(told)), told, color=colour)
        ax.text(*at, words, color=colour, fontweight="bold")
    ax.set(xlabel="steps ago", ylabel="$R^2$ of the read-out", ylim=(-0.05, 1.05))
    ax.set_title(f"32 units hold {result['effect']['value']:.3g} inputs", loc="left")
    return figure
