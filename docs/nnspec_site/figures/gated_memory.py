"""What a linear read-out of the state tells of earlier inputs: three cells, new, trained and with open gates."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme

CELLS = ("Elman", "GRU", "LSTM")
PANELS = {
    "new": "New",
    "trained": "Trained to tell the input of 10 steps ago",
    "open": "New, with a bias of 4 that keeps the state",
}


def curves() -> dict[str, np.ndarray]:
    """R² over the number of steps ago, mean over the layers, by cell and kind."""
    return {name: np.array(told) for name, told in load_experiments()["gated-memory"]["series"].items()}


def draw(theme: Theme) -> Figure:
    """A panel for each kind of layers, a curve for each cell."""
    found = curves()
    figure, axes = plt.subplots(len(PANELS), 1, figsize=theme.size(1.15), sharex=True, sharey=True)
    for ax, (kind, title) in zip(axes, PANELS.items(), strict=True):
        for colour, cell in zip(theme.colors, CELLS, strict=False):
            told = found.get(f"{cell}, {kind}")  # an Elman layer has no gate to open
            if told is not None:
                ax.plot(np.arange(len(told)), told, color=colour, label=cell)
        ax.set_title(title, loc="left")
        ax.set(ylabel="$R^2$", ylim=(-0.05, 1.05))
        ax.legend(frameon=False, loc="upper right")
    axes[-1].set_xlabel("steps ago")
    return figure
