"""A small network whose inputs and hidden units are dropped, and its mean answer over all masks."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from nnspec_conformance.oracles.training.dropout import masked, moments
from nnspec_site.figures import Theme

X = np.array([1.0, 2.0, 3.0])
KERNEL_0 = np.array([[2.0, 1.0, -1.0, -2.0], [1.0, -1.0, 1.0, 1.0], [-1.0, 1.0, 1.0, 1.0]])
KERNEL_1 = np.array([3.0, 2.0, 1.0, -1.0])
RATE = 0.5
DROPPED = 34  # one bit a unit, the first input's the lowest: the second input and the third hidden unit
COLUMNS = (0.0, 2.0, 4.0)


def hidden(x: np.ndarray) -> np.ndarray:
    """The hidden units, without bias, behind a ReLU."""
    return np.maximum(x @ KERNEL_0, 0)


def answer(dropped: int, rate: float) -> float:
    """The output with one mask of inputs and hidden units."""
    kept = np.array([not dropped >> i & 1 for i in range(7)])
    return float(masked(hidden(masked(X, kept[:3], rate)), kept[3:], rate) @ KERNEL_1)


def means(rate: float) -> dict[str, float]:
    """The mean output over all masks, of the hidden units alone and of the inputs alone."""
    return {
        "hidden units": float(moments(lambda h: h @ KERNEL_1, hidden(X), rate=rate)[0]),
        "inputs": float(moments(lambda x: hidden(x) @ KERNEL_1, X, rate=rate)[0]),
    }


def draw(theme: Theme) -> Figure:
    """The whole network, and what one mask leaves of it."""
    figure, axes = plt.subplots(1, 2, figsize=theme.size(0.5))
    for ax, name, dropped in zip(axes, ("without dropout", "one mask of 128"), (0, DROPPED), strict=True):
        network(ax, theme, dropped)
        out = answer(dropped, RATE if dropped else 0.0)
        ax.set_title(f"{name}: {out:g}".replace("-", "\N{MINUS SIGN}"), loc="left")
    return figure


def network(ax: Axes, theme: Theme, dropped: int) -> None:
    """Units as circles; one that is dropped has a cross and no lines."""
    places = [[(column, (n - 1) / 2 - i) for i in range(n)] for column, n in zip(COLUMNS, (3, 4, 1), strict=True)]
    kept = [[not dropped >> i & 1 for i in range(3)], [not dropped >> i & 1 for i in range(3, 7)], [True]]
    for c, kernel in enumerate((KERNEL_0, KERNEL_1[:, None])):
        for i, j in np.ndindex(*kernel.shape):
            if kept[c][i] and kept[c + 1][j]:
                color = theme.colors[0] if kernel[i, j] > 0 else theme.colors[1]
                ax.plot(*zip(places[c][i], places[c + 1][j], strict=True), color=color, linewidth=abs(kernel[i, j]))
    for at, of in zip(places, kept, strict=True):
        for (x, y), stays in zip(at, of, strict=True):
            edge = theme.text if stays else theme.muted
            ax.add_patch(Circle((x, y), 0.28, facecolor=theme.background, edgecolor=edge, linewidth=1.5, zorder=3))
            if not stays:
                ax.plot(x, y, "x", color=theme.muted, markersize=8, zorder=4)
    ax.set(xlim=(-0.5, 4.5), ylim=(-2, 2), aspect="equal")
    ax.axis("off")


def numbers() -> dict:
    """The network, where the sliders stand first, and the test's bits; the script computes the answers."""
    return {
        "x": X.tolist(),
        "kernels": [KERNEL_0.tolist(), KERNEL_1[:, None].tolist()],
        "rate": RATE,
        "dropped": DROPPED,
    }
