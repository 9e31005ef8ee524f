"""The length of the steps of RMSprop and Adagrad where the gradient falls to a tenth."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.oracles.training.rmsprop import adagrad, rmsprop
from nnspec_site.figures import Theme

LARGE, SMALL, EACH = 1.0, 0.1, 100  # gradients, and how many steps of each
LABELS = {"RMSprop": (104, 2.2), "Adagrad": (132, 0.0062), "gradient descent": (132, 0.115)}


def lengths() -> dict[str, np.ndarray]:
    """How far each step goes, in units of the rate."""
    gradients = np.repeat([LARGE, SMALL], EACH)
    start = {"p": np.zeros(())}
    steppers = {
        "RMSprop": rmsprop(start, learning_rate=1.0, decay_rate=0.9, epsilon=0.0),
        "Adagrad": adagrad(start, learning_rate=1.0, epsilon=0.0),
    }
    found = {}
    for name, step in steppers.items():
        path = [0.0] + [float(step({"p": np.asarray(g)})["p"]) for g in gradients]
        found[name] = np.abs(np.diff(path))
    return found | {"gradient descent": gradients}


def draw(theme: Theme) -> Figure:
    """A curve an optimizer, on a logarithmic axis."""
    figure, ax = plt.subplots(figsize=theme.size(0.66))
    for (name, y), color in zip(lengths().items(), theme.colors, strict=False):
        ax.plot(np.arange(1, 2 * EACH + 1), y, color=color, linestyle="--" if name == "gradient descent" else "-")
        ax.text(*LABELS[name], name, color=color)
    ax.set_yscale("log")
    ax.set(xlabel="step", xlim=(0, 2 * EACH), ylim=(0.005, 4))
    ax.set_yticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
    ax.set_yticks([], minor=True)
    ax.set_title("Length of a step, in learning rates", loc="left")
    return figure
