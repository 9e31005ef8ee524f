"""Accuracy of a linear probe on four kinds of features, seed by seed."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme
from nnspec_site.figures._seeds import dots

# name in the experiment, what stands below it, colour
KINDS = [
    ("untrained", "32 units,\nuntrained", 1),
    ("trained", "the same,\ntrained", 0),
    ("pixels", "64 pixels", 2),
    ("wide", "2,048 random\nfeatures", 3),
]


def draw(theme: Theme) -> Figure:
    """A dot a seed, a bar for the mean; a line joins the same network before and after its training."""
    accuracy = {k: np.array(v) for k, v in load_experiments()["hidden-features"]["series"]["accuracy"].items()}
    figure, ax = plt.subplots(figsize=theme.size(0.6))
    for before, after in zip(accuracy["untrained"], accuracy["trained"], strict=True):
        ax.plot([0, 1], [before, after], color=theme.muted, linewidth=0.8, zorder=1)
    for place, (name, _, color) in enumerate(KINDS):
        shade = theme.colors[color]
        (mean,) = dots(ax, [place], accuracy[name][:, None], shade)
        ax.hlines(mean, place - 0.25, place + 0.25, color=shade, linewidth=2.5, zorder=3)
        at, side = (place - 0.3, "right") if name == "untrained" else (place + 0.3, "left")
        ax.text(at, mean, f"{mean:.1f}", color=shade, fontweight="bold", va="center", ha=side)
    ax.set(xlim=(-0.7, len(KINDS) - 0.3), ylim=(74, 100), ylabel="accuracy on the other half, %")
    ax.set_xticks(range(len(KINDS)), [label for _, label, _ in KINDS])
    ax.set_title("A linear classifier on top of fixed features", loc="left")
    ax.grid(axis="x", visible=False)
    return figure
