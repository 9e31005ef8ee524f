"""One dot a seed, and the mean: how figures show numbers that were drawn several times."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike


def dots(ax: Axes, x: ArrayLike, values: ArrayLike, color: str, *, aside: float = 0.0) -> np.ndarray:
    """Draw one dot a seed at each ``x``.

    Args:
        ax: where to draw.
        x: positions, [n].
        values: by seed, [seeds, n].
        color: of the dots.
        aside: the seeds are moved sideways by up to this share of ``x``, so that none hides another.

    Returns:
        the mean over the seeds at each ``x``; on a logarithmic axis the geometric one, which lies among the dots.
    """
    found = np.asarray(values)
    moved = np.outer(np.exp(np.linspace(-aside, aside, len(found))), np.asarray(x))
    ax.plot(moved, found, "o", color=color, markersize=4, alpha=0.7, zorder=2)
    return np.exp(np.log(found).mean(axis=0)) if ax.get_yscale() == "log" else found.mean(axis=0)
