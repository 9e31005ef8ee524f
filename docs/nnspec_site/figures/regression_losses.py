"""Squared error, absolute error and Huber loss over the error, and their gradients."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_site.figures import Theme


def draw(theme: Theme) -> Figure:
    """Half the squared error, the absolute error, and Huber with delta 1; each named at its curve."""
    figure, (left, right) = plt.subplots(1, 2, figsize=theme.size(0.6), layout="constrained")
    d = np.linspace(-4, 4, 801)
    cut = np.clip(d, -1, 1)
    losses = {"½ d²": d * d / 2, "|d|": np.abs(d), "Huber": cut * (d - cut / 2)}
    slopes = [d, np.where(d == 0, np.nan, np.sign(d)), cut]
    places = {"½ d²": (-2.05, 3.4), "|d|": (-3.8, 4.1), "Huber": (2.2, 1.0)}
    for i, ((name, loss), slope) in enumerate(zip(losses.items(), slopes, strict=True)):
        style = "--" if name == "|d|" else "-"
        left.plot(d, loss, style, color=theme.colors[i])
        right.plot(d, slope, style, color=theme.colors[i])
        left.text(*places[name], name, color=theme.colors[i])
    left.set(xlim=(-4, 4), ylim=(0, 4.5), xlabel="error d")
    right.set(xlim=(-4, 4), ylim=(-3, 3), xlabel="error d")
    left.set_title("Loss", loc="left")
    right.set_title("Gradient", loc="left")
    return figure
