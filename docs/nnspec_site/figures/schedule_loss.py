"""The expected loss of gradient descent with noise on a quadratic, by step, for several schedules."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme

SHOWN = ("constant 0.2", "constant 0.02", "staircase", "inverse time", "cosine")


def draw(theme: Theme) -> Figure:
    """A line for each schedule by the formula, and a dot where its chains end."""
    found = load_experiments()["schedule-noise"]
    ends = {row["schedule"]: row["of the chains"] for row in found["rows"]}
    figure, ax = plt.subplots(figsize=theme.size(0.62))
    for name, color in zip(SHOWN, theme.colors, strict=False):
        losses = np.array(found["series"][name])
        ax.plot(losses, color=color, linewidth=1.4, label=name)
        ax.plot(len(losses) - 1, ends[name], "o", color=color, markersize=5)
    ax.legend(loc="upper right", frameon=False)
    ax.set(yscale="log", xlabel="steps", ylabel="expected loss", ylim=(1e-4, 100))
    ax.set_title("A quadratic with noise, and five rates", loc="left")
    return figure
