"""Hinge, squared hinge and logistic loss over the score times the label, beside the step of a wrong decision."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_site.figures import Theme


def draw(theme: Theme) -> Figure:
    """Three losses, each named at its curve, and the step in gray."""
    figure, axes = plt.subplots(figsize=theme.size(0.6), layout="constrained")
    m = np.linspace(-2, 3, 501)
    curves = {
        "hinge": (np.maximum(0, 1 - m), (-1.4, 1.75)),
        "squared hinge": (np.maximum(0, 1 - m) ** 2, (-0.75, 3.5)),
        "logistic": (np.log1p(np.exp(-m)), (1.5, 0.35)),
    }
    axes.plot([-2, 0, 0, 3], [1, 1, 0, 0], ":", color="gray")
    for i, (name, (loss, place)) in enumerate(curves.items()):
        axes.plot(m, loss, color=theme.colors[i])
        axes.text(*place, name, color=theme.colors[i])
    axes.set(xlim=(-2, 3), ylim=(-0.1, 4.5), xlabel="score times label")
    axes.set_title("Loss", loc="left")
    return figure
