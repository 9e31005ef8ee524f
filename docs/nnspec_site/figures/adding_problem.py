"""The error of a GRU and of an Elman layer while they learn to add two numbers that are far apart."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme

CHUNK = 50  # updates between two points


def draw(theme: Theme) -> Figure:
    """A curve for each layer, the mean of all seeds; the lines are who answers 1 whatever comes, and solved."""
    series = load_experiments()["adding-problem"]["series"]
    figure, ax = plt.subplots(figsize=theme.size(0.5))
    shown = {name: losses for name, losses in series.items() if not name.startswith("gradient")}
    for (name, losses), color in zip(shown.items(), theme.colors, strict=False):
        updates = CHUNK * np.arange(1, len(losses) + 1)
        ax.plot(updates, losses, color=color, linewidth=1.4)
        ax.annotate(name, (updates[-1], losses[-1]), (4, -9), textcoords="offset points", color=color)
    for level, said in ((1 / 6, "answers 1"), (0.01, "solved")):
        ax.axhline(level, color=theme.muted, linewidth=0.8, linestyle="--")
        ax.annotate(said, (3450, level), (0, 3), textcoords="offset points", color=theme.muted, ha="right")
    ax.set(yscale="log", xlim=(0, 3450), ylim=(0.003, 0.5), xlabel="updates", ylabel="squared error")
    ax.set_title("Two numbers, up to a hundred steps apart", loc="left")
    return figure
