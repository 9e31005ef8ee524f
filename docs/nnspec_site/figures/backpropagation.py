"""The page's network of two inputs, two hidden units and one output: every value, and every gradient."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from nnspec_conformance.oracles.components import backpropagation as oracle
from nnspec_conformance.oracles.components.forward_propagation import forward
from nnspec_site.figures import Theme

RADIUS = 0.42
COLUMNS = (0.0, 2.1, 4.2, 6.0)
APART = 2.6  # the two units of a layer
BACK = 1  # the colour of gradients


def draw(theme: Theme) -> Figure:
    """Units with their values, each with its gradient below, and a line for each weight with weight and gradient."""
    x, weights = np.array(oracle.EXAMPLE_X), {name: np.array(w) for name, w in oracle.EXAMPLE_WEIGHTS.items()}
    gradients = oracle.EXAMPLE_GRADIENTS
    values = {name: np.array(v) for name, v in forward(x, weights, activation="relu").items()}
    places = [[(column, APART * (0.5 - i)) for i in range(2)] for column in COLUMNS[:2]] + [[(COLUMNS[2], 0.0)]]
    figure, ax = plt.subplots(figsize=theme.size(0.68))
    for layer in range(2):
        for i, j in np.ndindex(weights[f"kernel_{layer}"].shape):
            pair = weights[f"kernel_{layer}"][i, j], gradients[f"kernel_{layer}"][i][j]
            _weight(ax, theme, places[layer][i], places[layer + 1][j], pair, 0.46 if layer else 0.36)
    ax.plot(COLUMNS[2:], [0, 0], color=theme.muted, linewidth=1.2, zorder=1)
    for place, v in zip(places[0], x, strict=True):
        _unit(ax, theme, place, _number(v))
    for j, place in enumerate(places[1]):
        z, a, g = values["z_0"][j], values["a_0"][j], gradients["bias_0"][j]
        _unit(ax, theme, place, f"z {_number(z)}\na {_number(a)}", f"g {_number(g)}")
    (y,), (g,), (t,) = values["a_1"], gradients["bias_1"], oracle.EXAMPLE_LABEL
    _unit(ax, theme, places[2][0], f"a {_number(y)}", f"g {_number(g)}")
    _unit(ax, theme, (COLUMNS[3], 0.0), _number((y - t) ** 2 / 2))
    ax.text(COLUMNS[3], 0.6, f"t {_number(t)}", ha="center")
    for column, head in zip(COLUMNS, ("input", "hidden", "output", "loss"), strict=True):
        ax.text(column, 2.1, head, ha="center", fontweight="bold")
    ax.set(xlim=(-0.6, 6.6), ylim=(-2.3, 2.4), aspect="equal")
    ax.axis("off")
    return figure


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


def _unit(ax: Axes, theme: Theme, place: tuple[float, float], text: str, gradient: str = "") -> None:
    ax.add_patch(Circle(place, RADIUS, facecolor=theme.background, edgecolor=theme.colors[0], linewidth=1.6, zorder=3))
    ax.text(*place, text, ha="center", va="center", zorder=4)
    below = place[1] - RADIUS - 0.08
    ax.text(place[0], below, gradient, ha="center", va="top", color=theme.colors[BACK], fontweight="bold", zorder=4)


def _weight(
    ax: Axes, theme: Theme, start: tuple[float, float], end: tuple[float, float], pair: tuple, at: float
) -> None:
    """A line with the weight above and its gradient below, nearer to its start, where no two lines meet."""
    (x0, y0), (x1, y1) = start, end
    ax.plot([x0, x1], [y0, y1], color=theme.muted, linewidth=1.2, zorder=1)
    x, y = x0 + at * (x1 - x0), y0 + at * (y1 - y0)
    box = {"facecolor": theme.background, "edgecolor": "none", "pad": 0.6}
    ax.text(x, y + 0.02, _number(pair[0]), ha="center", va="bottom", bbox=box, zorder=2)
    ax.text(
        x, y - 0.02, _number(pair[1]), ha="center", va="top", color=theme.colors[BACK], fontweight="bold", bbox=box,
        zorder=2,
    )  # fmt: skip


def numbers() -> dict:
    """The example, its label and its weights, layer by layer; the script computes, and its test holds it."""
    weights = oracle.EXAMPLE_WEIGHTS
    layers = [{"kernel": weights[f"kernel_{i}"], "bias": weights[f"bias_{i}"]} for i in range(2)]
    return {"x": oracle.EXAMPLE_X, "label": oracle.EXAMPLE_LABEL, "layers": layers}
