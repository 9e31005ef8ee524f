"""What stopping keeps of the solution along each eigenvector, and what a ridge of the same strength keeps."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.oracles.training.early_stopping import ridge_filter, stopped_filter
from nnspec_site.figures import Theme

RATE, STEPS = 1e-5, 10_000_000


def draw(theme: Theme) -> Figure:
    """Above the two shares, below their ratio, over the eigenvalue in units of 1/(rate times steps)."""
    x = np.geomspace(0.01, 100, 300)
    eigenvalues = x / (RATE * STEPS)
    stopped, ridge = stopped_filter(eigenvalues, RATE, STEPS), ridge_filter(eigenvalues, 1 / (RATE * STEPS))
    figure, axes = plt.subplots(2, 1, figsize=theme.size(0.95), sharex=True)
    axes[0].semilogx(x, stopped, color=theme.colors[0], label="stopped after t steps")
    axes[0].semilogx(x, ridge, color=theme.colors[1], linestyle="--", label="ridge of strength 1/(αt)")
    axes[0].legend(loc="upper left")
    axes[0].set_title("Share of the solution", loc="left")
    axes[1].semilogx(x, stopped / ridge, color=theme.colors[2])
    axes[1].set_title("Ratio of the two", loc="left")
    axes[1].set(xlabel="αλt", ylim=(0.95, 1.35))
    return figure
