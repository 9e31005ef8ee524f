"""What XOR looks like to one affine map and to a trained net of tanh units."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme

SIDE = np.linspace(-0.5, 1.5, 121)


def draw(theme: Theme) -> Figure:
    """Two panels; a point's mark is its label, the shade is what the net says."""
    series = load_experiments()["xor-needs-non-linearity"]["series"]
    affine, net = series["best_affine"], series["nets"]["tanh-8"]["weights"]
    figure, axes = plt.subplots(1, 2, figsize=theme.size(0.66), sharey=True)
    _panel(axes[0], theme, series, lambda p: p @ np.array(affine["w"]) + affine["b"])
    _panel(axes[1], theme, series, lambda p: _logits(net, p))
    axes[0].set_title("The best affine map:\n3 of 4", loc="left")
    axes[1].set_title("8 tanh units, trained:\n4 of 4", loc="left")
    return figure


def _logits(net: dict[str, Any], points: np.ndarray) -> np.ndarray:
    hidden = np.tanh(points @ np.array(net["kernel"]) + np.array(net["bias"]))
    return hidden @ np.array(net["readout"]) + net["offset"]


def _panel(ax: Axes, theme: Theme, series: dict[str, Any], logits: Any) -> None:
    z = logits(np.stack(np.meshgrid(SIDE, SIDE), axis=-1))
    extent = (SIDE[0], SIDE[-1])
    ax.contourf(SIDE, SIDE, z, levels=[-1e9, 0, 1e9], colors=[theme.colors[0], theme.colors[1]], alpha=0.16)
    ax.contour(SIDE, SIDE, z, levels=[0], colors=[theme.text], linewidths=1.5)
    points, labels = np.array(series["points"]), np.array(series["labels"])
    right = (logits(points) > 0) == (labels == 1)
    for (x, y), label, ok in zip(points, labels, right, strict=True):
        ax.plot(x, y, marker="s" if label else "o", markersize=11, color=theme.colors[label], linestyle="none")
        text = f"{label}" if ok else f"{label}, taken\nfor {1 - label}"
        ax.annotate(text, (x, y), (0, 10), textcoords="offset points", ha="center", fontweight="bold")
    ax.set(xlim=extent, ylim=extent, aspect="equal", xticks=[0, 1], yticks=[0, 1], xlabel="first input")
    if ax.get_subplotspec().is_first_col():  # type: ignore[union-attr]
        ax.set_ylabel("second input")
