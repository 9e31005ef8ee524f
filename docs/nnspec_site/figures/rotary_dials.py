"""Dials of a query and a key: how far each pair of features has turned, and their product by the distance."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_site.figures import Theme

PAIRS, BASE = 4, 10000.0
QUERY, KEY, LAST = 12, 9, 40


def directions(position: int) -> np.ndarray:
    """Where the hands of a token of ones and zeros point, [pairs, 2], by the reference."""
    import jax.numpy as jnp

    from nnspec.architectures.transformer.positions import rotary_positions

    token = jnp.tile(jnp.array([1.0, 0.0]), PAIRS)[None]
    return np.asarray(rotary_positions(token, jnp.array([position]), base=BASE)).reshape(PAIRS, 2)


def products() -> np.ndarray:
    """The product of query and key for each distance from 0 on."""
    first = directions(0).ravel()
    return np.array([float(directions(k).ravel() @ first) for k in range(LAST + 1)])


def draw(theme: Theme) -> Figure:
    """The dials of both tokens above, the product by distance below."""
    figure = plt.figure(figsize=theme.size(0.8))
    grid = figure.add_gridspec(2, PAIRS, height_ratios=(1, 1.2))
    circle = np.linspace(0, 2 * np.pi, 100)
    for i in range(PAIRS):
        dial = figure.add_subplot(grid[0, i])
        dial.plot(np.cos(circle), np.sin(circle), color=theme.muted, linewidth=0.8)
        for k, position in enumerate((QUERY, KEY)):
            x, y = directions(position)[i]
            dial.plot([0, x], [0, y], color=theme.colors[k])
        dial.set_aspect("equal")
        dial.axis("off")
        dial.set_title(f"pair {i}")
    below = figure.add_subplot(grid[1, :])
    below.plot(products(), color=theme.colors[2])
    below.plot([QUERY - KEY], [products()[QUERY - KEY]], "o", color=theme.colors[2])
    below.set_title("Product of query and key", loc="left")
    below.set_xlabel("distance")
    return figure


def numbers() -> dict:
    """Where the sliders stand; the script turns the hands, and is held to the reference by a test."""
    return {"pairs": PAIRS, "base": BASE, "query": QUERY, "key": KEY, "last": LAST}
