"""Three functions with an edge, and the slopes that frameworks give there."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nnspec_conformance.oracles.components import automatic_differentiation as oracle
from nnspec_site.figures import Theme

LOW, HIGH = -1.0, 1.0


def draw(theme: Theme) -> Figure:
    """A panel for each function, a dashed line for each reading's slope, through the edge."""
    figure, panels = plt.subplots(1, 3, figsize=theme.size(0.46), sharey=True)
    x, at, one = np.linspace(-2, 2, 401), np.zeros(1), np.ones(1)
    panels[0].plot(x, oracle.absolute_value(x), color=theme.colors[0])
    _slopes(panels[0], theme, 0, [oracle.absolute_value_derivative(at, at_zero=name)[0] for name in ("zero", "one")])
    panels[1].plot(x, oracle.pairwise_maximum(x, 0 * x), color=theme.colors[0])
    shares = [oracle.pairwise_maximum_vjp(at, at, one, tie=name)[0][0] for name in ("second", "half", "first")]
    _slopes(panels[1], theme, 0, shares)
    panels[2].plot(x, oracle.clamp(x, minimum=LOW, maximum=HIGH), color=theme.colors[0])
    for bound in (LOW, HIGH):
        edge = np.full(1, bound)
        slopes = [
            oracle.clamp_derivative(edge, minimum=LOW, maximum=HIGH, at_bounds=name)[0]
            for name in ("zero", "half", "one")
        ]
        _slopes(panels[2], theme, bound, slopes, height=bound)
    for ax, title in zip(panels, ("|x|", "max(x, 0)", "clamp to [\N{MINUS SIGN}1, 1]"), strict=True):
        ax.set_title(title, loc="left")
        ax.set(xlim=(-2, 2), ylim=(-1.6, 2.1), xticks=[-1, 0, 1], yticks=[-1, 0, 1, 2])
    return figure


def _slopes(ax: Axes, theme: Theme, edge: float, slopes: list[float], height: float = 0.0) -> None:
    reach = np.array([-0.55, 0.55])
    for slope in slopes:
        ax.plot(edge + reach, height + slope * reach, color=theme.colors[1], linestyle="--", linewidth=1.3)
    ax.plot(edge, height, "o", color=theme.text, markersize=4)
