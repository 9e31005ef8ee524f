"""Where a run of the committed experiment is stopped, by its validation loss."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.oracles.training.early_stopping import early_stopping
from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme

SHOWN, PATIENCE = 120, 20  # epochs that are drawn
CURVES = {"training": "training loss", "validation": "validation loss", "test": "test loss"}
HIGHEST = 0.8  # the first losses lie above it


def curves() -> dict[str, np.ndarray]:
    """The losses of the first seed after each epoch, rounded as they are shown."""
    series = load_experiments()["early-stopping-digits"]["series"]
    return {name: np.round(np.array(series[name][:SHOWN]), 4) for name in CURVES}


def draw(theme: Theme) -> Figure:
    """Three losses over the epochs, with the best epoch and the one after which training stops."""
    found = curves()
    stop = early_stopping(found["validation"], patience=PATIENCE)
    figure, ax = plt.subplots(figsize=theme.size(0.6))
    for color, style, (name, label) in zip(theme.colors, (":", "-", "--"), CURVES.items(), strict=False):
        ax.plot(found[name], color=color, linestyle=style, label=label)
    for name, at in (("best", int(stop["best"])), ("stop", int(stop["stopped"]))):
        ax.axvline(at, color=theme.muted, linewidth=1)
        ax.text(at + 1, 0.74, f"{name}: {at}", color=theme.text)
    ax.set(xlabel="evaluation, one per epoch", ylim=(0, HIGHEST))
    ax.legend(loc="center right", bbox_to_anchor=(1, 0.3))
    return figure


def numbers() -> dict:
    """The three curves."""
    return {
        "high": HIGHEST,
        "names": CURVES,
        "curves": {name: curve.tolist() for name, curve in curves().items()},
    }
