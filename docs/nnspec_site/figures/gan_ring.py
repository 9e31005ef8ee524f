"""Samples of generators that learned eight clusters on a ring, one panel for each loss."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.experiments.architectures.gan.ring import centers
from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme

SHOWN = {
    "non-saturating": "non-saturating",
    "least squares": "least squares",
    "hinge": "hinge",
    "Wasserstein with penalty": "Wasserstein",
}


def draw(theme: Theme) -> Figure:
    """The clusters, and over them what the first seed's generator makes in the end."""
    series = load_experiments()["ring-of-gaussians"]["series"]
    figure, axes = plt.subplots(2, 2, figsize=theme.size(0.95), sharex=True, sharey=True)
    for ax, (name, title), color in zip(axes.flat, SHOWN.items(), theme.colors, strict=False):
        ax.scatter(*centers().T, s=120, color=theme.muted, alpha=0.4, linewidths=0)
        ax.scatter(*np.array(series[name]).T, s=5, color=color, linewidths=0)
        ax.set_aspect("equal")
        ax.set(xlim=(-2.9, 2.9), ylim=(-2.9, 2.9), xticks=[], yticks=[])
        ax.set_title(title, loc="left")
    return figure
