"""Textbook formulas and stable ones in float32, where the result is tiny but not zero."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from scipy import special

from nnspec_site.figures import Theme

ONE, HALF = np.float32(1), np.float32(0.5)
ROOT = np.float32(np.sqrt(0.5))
FLOOR = 2.0**-25  # drawn for an error of 0

# panel: x from, to; exact in float64; textbook formula; stable formula
PANELS = {
    "softplus": (
        (-40, 0),
        lambda x: np.logaddexp(0, x),
        (r"$\log(1+e^x)$", lambda x: np.log(ONE + np.exp(x))),
        (r"$\mathrm{log1p}(e^x)$", lambda x: np.log1p(np.exp(x))),
    ),
    "gelu": (
        (-12, 0),
        lambda x: x * special.ndtr(x),
        (r"$x\,(1+\mathrm{erf}(x/\sqrt{2}))/2$", lambda x: HALF * x * (ONE + special.erf(x * ROOT))),
        (r"$x\,\mathrm{erfc}(-x/\sqrt{2})/2$", lambda x: HALF * x * special.erfc(-x * ROOT)),
    ),
    "elu": (
        (-8, 0),
        np.expm1,
        (r"$e^x-1$", lambda x: np.exp(x) - ONE),
        (r"$\mathrm{expm1}(x)$", np.expm1),
    ),
    "slope of tanh": (
        (0, 16),
        lambda x: 1 / np.cosh(x) ** 2,
        (r"$1-\tanh^2 x$", lambda x: ONE - np.tanh(x) ** 2),
        (r"$1/\cosh^2 x$", lambda x: ONE / np.cosh(x) ** 2),
    ),
}


BINS, IN_BIN = 100, 16


def draw(theme: Theme) -> Figure:
    """Four panels, each the worst error of 16 neighbours; at 1 nothing of the result is right."""
    figure, axes = plt.subplots(2, 2, figsize=theme.size(0.84), sharey=True)
    for (name, ((low, high), exact, textbook, stable)), ax in zip(PANELS.items(), axes.flat, strict=True):
        if name == "elu":  # lost near 0, not far from it
            x = -np.geomspace(8, 1e-8, BINS * IN_BIN).astype(np.float32)
            ax.set_xscale("symlog", linthresh=1e-8)
            ax.set(xlim=(-8, -1e-8), xticks=[-1, -1e-3, -1e-6])
        else:
            x = np.linspace(low, high, BINS * IN_BIN + 2)[1:-1].astype(np.float32)
            ax.set(xlim=(low, high), xticks=np.linspace(low, high, 5, dtype=int))
        truth = exact(x.astype(np.float64))
        for (label, formula), color, place in ((textbook, theme.colors[1], 0.9), (stable, theme.colors[0], 0.05)):
            with np.errstate(all="ignore"):
                error = np.abs(formula(x).astype(np.float64) - truth) / np.abs(truth)
            worst = np.maximum(error, FLOOR).reshape(BINS, IN_BIN).max(axis=1)
            ax.semilogy(x.reshape(BINS, IN_BIN).mean(axis=1), worst, color=color)
            ax.text(0.5, place, label, transform=ax.transAxes, ha="center", color=color, fontweight="bold")
        ax.set_title(name, loc="left")
        ax.set(ylim=(1e-11, 300), yticks=[1e-8, 1e-6, 1e-4, 1e-2, 1])
    for ax in axes[:, 0]:
        ax.set_ylabel("relative error")
    for ax in axes[1]:
        ax.set_xlabel("x")
    return figure
