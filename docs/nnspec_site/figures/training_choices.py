"""What 27 combinations of algorithm, rate strategy and regularizer came to, from the committed experiment."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from nnspec_conformance.experiments.training.choices import ALGORITHMS, REGULARIZERS, STRATEGIES
from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme

RESPONSES = {"final test loss": "Test loss at the end", "steps": "Steps to a test loss of {target:g}"}
TITLES = {"gradient descent": "descent", "momentum 0.9": "momentum", "Adam": "Adam"}
SHORT = ("const.", "exp.", "cosine")


def draw(theme: Theme) -> Figure:
    """A row for each response, a panel for each algorithm, a line for each regularizer."""
    series = load_experiments()["training-choices"]["series"]
    cells = {tuple(cell[name] for name in ("algorithm", "strategy", "regularizer")): cell for cell in series["cells"]}
    figure, axes = plt.subplots(2, 3, figsize=theme.size(1.25), sharey="row", sharex=True)
    for row, (response, title) in zip(axes, RESPONSES.items(), strict=True):
        for ax, algorithm in zip(row, ALGORITHMS, strict=True):
            for regularizer, color, mark, style in zip(
                REGULARIZERS, theme.colors, "os^", ("-", "--", ":"), strict=False
            ):
                y = [cells[algorithm, strategy, regularizer][response] for strategy in STRATEGIES]
                ax.plot(SHORT, y, color=color, marker=mark, markersize=5, linestyle=style, label=regularizer)
            ax.set_title(TITLES[algorithm], loc="left")
            ax.tick_params(axis="x", rotation=90)
            ax.margins(x=0.15)
        row[0].set_ylabel(title.format(**series))
    axes[0, 2].legend(loc="upper left", frameon=False, borderaxespad=0, handlelength=2)
    return figure
