"""Accuracy over the number of pairs: an attention, an LSTM of equal parameters, and the most frequent value."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme
from nnspec_site.figures._seeds import dots

COUNTS = (4, 8, 16, 32, 64)
WHO = {"attention": (20, 0.92), "LSTM": (5, 0.25), "most frequent value": (18, 0.3)}  # and where the words stand


def accuracies() -> dict[str, np.ndarray]:
    """Return the accuracy of every network and rule, seeds by counts."""
    rows = load_experiments()["attention-distractors"]["rows"]
    return {who: np.array([[row[f"{who}, {n} pairs"] for n in COUNTS] for row in rows]) for who in WHO}


def draw(theme: Theme) -> Figure:
    """One dot a seed, a line through the means."""
    figure, ax = plt.subplots(figsize=theme.size(0.55))
    ax.set_xscale("log", base=2)
    found = accuracies()
    for (who, at), color, style in zip(WHO.items(), (*theme.colors[:2], theme.muted), ("-", "-", "--"), strict=True):
        mean = dots(ax, COUNTS, found[who], color, aside=0.03) if style == "-" else found[who].mean(0)
        ax.plot(COUNTS, mean, style, color=color, linewidth=1.2)
        ax.text(*at, who, color=color, fontweight="bold")
    ax.axhline(1 / 8, color=theme.muted, linewidth=0.6)
    ax.set_xticks(COUNTS, [str(n) for n in COUNTS])
    ax.set(xlabel="pairs in the sequence; 4 in training", ylabel="accuracy", ylim=(0, 1.05))
    ax.set_title("More distractors than any training had", loc="left")
    return figure
