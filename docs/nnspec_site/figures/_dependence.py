"""Which results depend on which inputs, as a square of fields: of the figures that show it of two networks."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from nnspec_site.figures import Theme


def fields(ax: Axes, found: np.ndarray, color: str, theme: Theme, *, result: str, title: str) -> None:
    """A row for each result, a column for each input, filled where the result depends on the input.

    Args:
        ax: what is drawn on.
        found: booleans, [results, inputs]; inputs beyond the results are padding, which is shaded.
        color: of the fields.
        theme: of the figure.
        result: what a row is called.
        title: of the square.
    """
    length, places = found.shape
    for row, column in np.argwhere(found):
        ax.add_patch(Rectangle((column + 0.54, row + 0.54), 0.92, 0.92, facecolor=color, edgecolor="none"))
    ax.axvspan(length + 0.5, places + 0.5, color=theme.muted, alpha=0.12, linewidth=0)
    ax.text((length + places + 1) / 2, (length + 1) / 2, "padding", rotation=90, ha="center", va="center")
    ax.set(xlim=(0.5, places + 0.5), ylim=(length + 0.5, 0.5), xticks=range(1, places + 1), aspect="equal")
    ax.set(yticks=range(1, length + 1), xlabel="input", ylabel=result)
    ax.set_title(title, loc="left")
    ax.grid(visible=False)
