"""One example through a network of two inputs, three hidden units and two outputs, with every number."""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from nnspec_conformance.oracles.components import forward_propagation as oracle
from nnspec_site.figures import Theme

COLUMNS = (0.0, 2.5, 5.0)
RADII = (0.62, 0.43)  # of a unit, across and up


def draw(theme: Theme) -> Figure:
    """Units as ellipses, a line for each weight with its number, the arrays and their shapes below."""
    x, weights = np.array(oracle.EXAMPLE_X), {name: np.array(w) for name, w in oracle.EXAMPLE_WEIGHTS.items()}
    values = {name: np.array(v) for name, v in oracle.forward(x, weights, activation="relu").items()}
    figure, ax = plt.subplots(figsize=theme.size(0.92))
    places = [_places(column, count) for column, count in zip(COLUMNS, (2, 3, 2), strict=True)]
    for i in range(2):
        _connections(ax, theme, places[i], places[i + 1], weights[f"kernel_{i}"])
    _units(ax, theme, places[0], [_number(v) for v in x], 0)
    _units(ax, theme, places[1], _both(values, 0), 1)
    _units(ax, theme, places[2], [f"z = {_number(v)}\na = {_number(v)}" for v in values["a_1"]], 2)
    for i in range(2):
        for (px, py), bias in zip(places[i + 1], weights[f"bias_{i}"], strict=True):
            ax.text(px, py + 0.5, f"bias {_number(bias)}", ha="center", va="bottom", color=theme.muted)
    heads = ("input\n$x$", "hidden\n$z_0$, $a_0 = $ReLU$(z_0)$", "output\n$z_1 = a_1$")
    for column, head, shape in zip(COLUMNS, heads, ("[batch, 2]", "[batch, 3]", "[batch, 2]"), strict=True):
        ax.text(column, 2.35, head, ha="center", fontweight="bold")
        ax.text(column, -2.2, shape, ha="center", color=theme.muted, family="monospace")
    for i, (left, right) in enumerate(itertools.pairwise(COLUMNS)):
        ax.annotate(
            "", (right - 0.72, -2.14), (left + 0.72, -2.14), arrowprops={"arrowstyle": "->", "color": theme.muted}
        )
        n, m = weights[f"kernel_{i}"].shape
        name = f"$W_{i}$ [{n}, {m}], $b_{i}$ [{m}]"
        ax.text((left + right) / 2, -2.55, name, ha="center", color=theme.muted)
    ax.set(xlim=(-1.0, 6.0), ylim=(-2.75, 2.7))
    ax.axis("off")
    return figure


def _places(column: float, count: int) -> list[tuple[float, float]]:
    return [(column, 1.45 * ((count - 1) / 2 - i)) for i in range(count)]


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


def _both(values: dict[str, np.ndarray], i: int) -> list[str]:
    return [f"z = {_number(z)}\na = {_number(a)}" for z, a in zip(values[f"z_{i}"], values[f"a_{i}"], strict=True)]


def _connections(ax: Axes, theme: Theme, left: list, right: list, kernel: np.ndarray) -> None:
    """A line for each weight; its number stands near its end, where no two lines meet."""
    for i, (x0, y0) in enumerate(left):
        for j, (x1, y1) in enumerate(right):
            shade = theme.colors[0] if kernel[i, j] > 0 else theme.colors[1]
            ax.plot([x0, x1], [y0, y1], color=shade, linewidth=0.8 + 0.6 * abs(kernel[i, j]), zorder=1)
            at = 0.4
            ax.text(
                x0 + at * (x1 - x0),
                y0 + at * (y1 - y0),
                _number(kernel[i, j]),
                ha="center",
                va="center",
                color=shade,
                bbox={"facecolor": theme.background, "edgecolor": "none", "pad": 0.8},
                zorder=2,
            )


def _units(ax: Axes, theme: Theme, places: list, texts: list[str], color: int) -> None:
    for place, text in zip(places, texts, strict=True):
        edge = theme.colors[(0, 2, 3)[color]]
        ax.add_patch(
            Ellipse(
                place, 2 * RADII[0], 2 * RADII[1], facecolor=theme.background, edgecolor=edge, linewidth=1.6, zorder=3
            )
        )
        ax.text(place[0], place[1], text, ha="center", va="center", zorder=4)


def numbers() -> dict:
    """The example and its weights, layer by layer; the script computes, and is held to the reference by its test."""
    weights = oracle.EXAMPLE_WEIGHTS
    layers = [
        {"kernel": weights[f"kernel_{i}"], "bias": weights[f"bias_{i}"], "activation": activation}
        for i, activation in enumerate(("relu", None))
    ]
    return {"x": oracle.EXAMPLE_X, "layers": layers}
