"""A table, the rows that three ids take from it, and the gradient that comes back to the table."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nnspec_conformance.oracles.architectures.transformer.embedding import embedding, embedding_vjp
from nnspec_conformance.suite.architectures.transformer.test_embedding import (
    EXAMPLE_COTANGENTS,
    EXAMPLE_IDS,
    EXAMPLE_TABLE,
)
from nnspec_site.figures import Theme


def tables() -> dict[str, np.ndarray]:
    """The four tables of the page's example by their titles."""
    table, g = np.array(EXAMPLE_TABLE, float), np.array(EXAMPLE_COTANGENTS, float)
    ids = np.array(EXAMPLE_IDS)
    return {
        "table": table,
        "rows of the text": embedding(table, ids),
        "gradient of the table": embedding_vjp(table, ids, g)[0],
        "cotangents": g,
    }


def draw(theme: Theme) -> Figure:
    """Table and text above, the way of the gradients below; a colour for each token."""
    figure, axes = plt.subplots(2, 2, figsize=theme.size(0.8))
    of_table, of_text = (0, 1, 2), EXAMPLE_IDS
    for ax, (title, numbers), tokens in zip(
        axes.ravel(), tables().items(), (of_table, of_text, of_table, of_text), strict=True
    ):
        _grid(ax, numbers, tokens, theme)
        ax.set_title(title, loc="left")
    return figure


def _grid(ax: Axes, numbers: np.ndarray, tokens: tuple[int, ...] | list[int], theme: Theme) -> None:
    """Numbers in lines, each behind its token and in its colour."""
    for line, (row, token) in enumerate(zip(numbers, tokens, strict=True)):
        color = theme.colors[token]
        ax.text(-0.9, -line, str(token), color=color, ha="center", va="center", weight="bold")
        for place, number in enumerate(row):
            ax.text(place, -line, f"{number:g}", color=color, ha="center", va="center")
        ax.plot([-0.5, -0.5], [-line - 0.4, -line + 0.4], color=color, linewidth=2)
    ax.set(xlim=(-1.3, numbers.shape[1] - 0.4), ylim=(-len(numbers) + 0.4, 0.6), xticks=[], yticks=[])
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)
