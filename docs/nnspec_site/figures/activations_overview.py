"""The thirteen activation functions with their slopes, as small multiples."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from scipy import special

from nnspec_site.figures import Theme

X = np.linspace(-4, 4, 801)
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return special.expit(x)


def _bell(x: np.ndarray) -> np.ndarray:
    return special.expit(x) * special.expit(-x)


def _first(x: np.ndarray) -> np.ndarray:
    """Softmax of (x, 0, 1): one coordinate moves, two stand."""
    return special.softmax(np.stack([x, 0 * x, 0 * x + 1]), axis=0)[0]


# name: value, slope, kinks
CURVES = {
    "identity": (lambda x: x, lambda x: 1 + 0 * x, []),
    "relu": (lambda x: np.maximum(x, 0), lambda x: 1.0 * (x > 0), [0]),
    "leaky_relu": (lambda x: np.where(x > 0, x, 0.01 * x), lambda x: np.where(x > 0, 1, 0.01), [0]),
    "elu": (lambda x: np.where(x > 0, x, np.expm1(x)), lambda x: np.where(x > 0, 1, np.exp(x)), []),
    "selu": (
        lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(x)),
        lambda x: SELU_SCALE * np.where(x > 0, 1, SELU_ALPHA * np.exp(x)),
        [0],
    ),
    "gelu": (
        lambda x: x * special.ndtr(x),
        lambda x: special.ndtr(x) + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi),
        [],
    ),
    "silu": (lambda x: x * _sigmoid(x), lambda x: _sigmoid(x) + x * _bell(x), []),
    "softplus": (lambda x: np.logaddexp(0, x), _sigmoid, []),
    "sigmoid": (_sigmoid, _bell, []),
    "hard_sigmoid": (lambda x: np.clip(x / 6 + 0.5, 0, 1), lambda x: np.where(np.abs(x) < 3, 1 / 6, 0), [-3, 3]),
    "tanh": (np.tanh, lambda x: 1 / np.cosh(x) ** 2, []),
    "softmax": (_first, lambda x: _first(x) * (1 - _first(x)), []),
    "log_softmax": (lambda x: np.log(_first(x)), lambda x: 1 - _first(x), []),
}
BOUNDED = ("sigmoid", "hard_sigmoid", "tanh", "softmax")


def draw(theme: Theme) -> Figure:
    """Five rows of three; the last place explains the two lines."""
    figure, axes = plt.subplots(5, 3, figsize=theme.size(1.36), sharex=True)
    places = iter(axes.flat)
    for (name, (value, slope, kinks)), ax in zip(CURVES.items(), places, strict=False):
        ax.axhline(0, color=theme.muted, linewidth=0.8)
        ax.axvline(0, color=theme.muted, linewidth=0.8)
        ax.plot(X, value(X), color=theme.colors[0])
        y = slope(X).astype(float)
        for kink in kinks:
            y[np.argmin(np.abs(X - kink))] = np.nan  # no slope there, no line across
        ax.plot(X, y, color=theme.colors[1], linestyle=(0, (4, 2)))
        ax.set_title(name, loc="left")
        ax.set_ylim((-1.2, 1.2) if name in BOUNDED else (-4.3, 1.7) if name == "log_softmax" else (-2.2, 4.2))
        ax.set_xticks([-4, -2, 0, 2, 4])
    key = next(places)
    key.set_axis_off()
    key.plot([0, 1], [0.72, 0.72], color=theme.colors[0])
    key.plot([0, 1], [0.3, 0.3], color=theme.colors[1], linestyle=(0, (4, 2)))
    key.text(1.2, 0.72, "value $f(x)$", va="center")
    key.text(1.2, 0.3, "slope $f'(x)$", va="center")
    key.set(xlim=(-4, 4), ylim=(-0.2, 1.2))
    note = next(places)
    note.set_axis_off()
    note.text(0, 0.5, "softmax and\nlog_softmax: the\nfirst of $(x, 0, 1)$", va="center", transform=note.transAxes)
    for ax in (axes[3, 1], axes[3, 2], axes[4, 0]):
        ax.tick_params(labelbottom=True)
    return figure
