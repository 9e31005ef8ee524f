"""The product of an activation's slopes through many layers, on a logarithmic scale."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_site.figures import Theme

NAMES = ("sigmoid", "tanh", "relu")
Z = np.arange(-16, 17) / 4
AT, LAYERS = 0.5, 60


def slopes(name: str) -> np.ndarray:
    """The derivative of the reference's function at ``Z``, in float64."""
    import jax

    from nnspec.components import activations

    with jax.enable_x64(True):
        return np.asarray(jax.vmap(jax.grad(getattr(activations, name)))(Z))


def draw(theme: Theme) -> Figure:
    """All sums are the same, 0.5: each layer multiplies by the same slope."""
    figure, ax = plt.subplots(figsize=theme.size(0.66))
    layers = np.arange(LAYERS + 1)
    for name, color, style, at in zip(NAMES, (0, 1, 2), ("-", "--", ":"), (24, 36, 40), strict=True):
        slope = float(slopes(name)[np.argmin(np.abs(Z - AT))])
        ax.semilogy(layers, slope**layers, color=theme.colors[color], linestyle=style)
        place = {"sigmoid": (at, slope**at * 1e2), "tanh": (at, slope**at * 1e-4), "relu": (at, 5)}[name]
        ax.text(place[0], place[1], f"{name}: {slope:.3g}$^n$", color=theme.colors[color], ha="left")
    ax.set(ylim=(1e-45, 1e5), xlim=(0, LAYERS), xlabel="number $n$ of layers", yticks=10.0 ** np.arange(-40, 1, 10))
    ax.set_title(f"Product of the slopes at z = {AT}", loc="left")
    return figure


def numbers() -> dict:
    """The slopes of the reference at every position of the slider."""
    return {"z": Z.tolist(), "slopes": {name: slopes(name).tolist() for name in NAMES}}
