"""The mean square of signals over fifty ReLU layers, measured on networks whose kernels are scaled, and in theory."""

from __future__ import annotations

import functools
import math

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_site.figures import Theme

LAYERS, WIDTHS, DRAWS = 50, (16, 64, 256), 3
SCALE, WIDTH = 2.0, 64  # fan-in times variance, and units, where the controls stand first
HIGH = 60  # of the binary logarithm that is drawn


def theory(scale: float) -> np.ndarray:
    """The binary logarithm of the expected mean square behind each layer, where it is 1 before the first one."""
    return np.arange(LAYERS + 1) * math.log2(scale / 2)


@functools.cache
def measured(width: int) -> np.ndarray:
    """The same of networks with the reference's He initialization, one a row.

    Each layer is scaled back, as ReLU allows: a kernel that is c times as large makes the mean square c squared times.
    """
    import jax

    from nnspec.training.initialization import he_normal

    found = np.zeros((DRAWS, LAYERS + 1))
    for draw in range(DRAWS):
        h = np.random.default_rng(draw).standard_normal(width).astype(np.float32)
        h /= np.sqrt(np.mean(h**2))
        for layer, key in enumerate(jax.random.split(jax.random.key(draw), LAYERS)):
            h = np.maximum(h @ np.asarray(he_normal(key, (width, width))), 0)
            size = float(np.mean(h**2))
            h /= np.float32(math.sqrt(size))
            found[draw, layer + 1] = found[draw, layer] + math.log2(size)
    return np.round(found, 2)


def draw(theme: Theme) -> Figure:
    """Three scales, theory and networks."""
    figure, ax = plt.subplots(figsize=theme.size(0.6))
    for color, (scale, name) in zip(theme.colors, ((3.0, "3"), (2.0, "2, He"), (1.0, "1, LeCun")), strict=False):
        for row in measured(WIDTH):
            ax.plot(row + theory(scale), ".", color=color, markersize=2)
        ax.plot(theory(scale), color=color, label=f"fan-in · variance = {name}")
    ax.set(xlabel="layer", ylabel="mean square, binary logarithm", xlim=(0, LAYERS), ylim=(-HIGH, HIGH))
    ax.legend(loc="upper left")
    return figure


def numbers() -> dict:
    """What was measured at the scale 2, by the number of units, and where the controls stand first."""
    return {
        "high": HIGH, "scale": SCALE, "width": str(WIDTH),
        "measured": {str(width): measured(width).tolist() for width in WIDTHS},
    }  # fmt: skip
