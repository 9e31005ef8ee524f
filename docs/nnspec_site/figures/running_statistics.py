"""The running mean and variance of one feature over sixty batches, beside those of each batch."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.oracles.training.batch_normalization import batch_norm_statistics
from nnspec_site.figures import Theme

STEPS, SIZES, MEAN, VARIANCE = 60, (2, 8, 32), 2.0, 4.0
SIZE, DECAY, STEP = 8, 0.9, 20  # where the controls stand first
DECAYS = (0.5, DECAY)


def batches(size: int) -> np.ndarray:
    """Sixty batches of normal numbers with mean 2 and variance 4."""
    drawn = np.random.default_rng(size).standard_normal((STEPS, size, 1))
    return MEAN + np.sqrt(VARIANCE) * drawn


def running(size: int, decay: float) -> np.ndarray:
    """Mean and variance before the first batch and after each, by the oracle."""
    found = batch_norm_statistics(batches(size), decay=decay)
    return np.concatenate([[[0.0, 1.0]], np.concatenate(found, -1)])


def of_batches(size: int) -> np.ndarray:
    """Mean and unbiased variance of each batch."""
    x = batches(size)[..., 0]
    return np.stack([x.mean(-1), x.var(-1, ddof=1)], -1)


def draw(theme: Theme) -> Figure:
    """Points for the batches, a line for each of two decays, and a dashed line where both should go."""
    figure, axes = plt.subplots(1, 2, figsize=theme.size(0.5))
    at = np.arange(1, STEPS + 1)
    for n, (ax, name, right) in enumerate(zip(axes, ("mean", "variance"), (MEAN, VARIANCE), strict=True)):
        ax.plot(at, of_batches(SIZE)[:, n], ".", color=theme.muted, markersize=4)
        ax.axhline(right, color=theme.text, linestyle="--", linewidth=0.8)
        for decay, color in zip(DECAYS, theme.colors[1::-1], strict=True):
            ax.plot(running(SIZE, decay)[:, n], color=color, linewidth=1.5, label=f"decay {decay:g}")
        ax.set(xlabel="batches seen", xlim=(0, STEPS), ylim=(0, None))
        ax.set_title(name, loc="left")
    axes[0].legend(loc="lower right")
    return figure


def numbers() -> dict:
    """Mean and variance of each batch, by how many examples it has; the script averages them."""
    return {
        "batches": {str(size): np.round(of_batches(size), 6).tolist() for size in SIZES},
        "right": [MEAN, VARIANCE],
        "size": str(SIZE),
        "decay": DECAY,
        "step": STEP,
    }
