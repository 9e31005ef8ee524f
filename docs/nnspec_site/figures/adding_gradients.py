"""How much of a gradient comes back to each input of the adding problem, before and after training."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme


def draw(theme: Theme) -> Figure:
    """Two curves for each layer, the mean over the seeds; powers of ten above the gradient for the last input."""
    series = load_experiments()["adding-problem"]["series"]
    figure, ax = plt.subplots(figsize=theme.size(0.6))
    for cell, colour in zip(("GRU", "Elman"), theme.colors, strict=False):
        for kind, line in (("new", "--"), ("trained", "-")):
            powers = np.array(series[f"gradient, {cell}, {kind}"])
            ax.plot(np.arange(1, len(powers) + 1), powers, line, color=colour, label=f"{cell}, {kind}")
    ax.legend(frameon=False, loc="lower right")
    ax.set(xlabel="step of the input", ylabel="powers of ten")
    ax.set_title("Gradient for each input, over that for the last", loc="left")
    return figure
