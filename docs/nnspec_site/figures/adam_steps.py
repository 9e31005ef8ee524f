"""The length of the steps of Adam for four sequences of gradients."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.oracles.training.adam import adam
from nnspec_site.figures import Theme

STEPS = 60
BETAS = {"beta1": 0.9, "beta2": 0.99}


def sequences() -> dict[str, np.ndarray]:
    """The gradients of each curve, by its label."""
    t = np.arange(STEPS)
    return {
        "always the same": np.ones(STEPS),
        "changes its sign": (-1.0) ** t,
        "every tenth step": np.where(t % 10 == 0, 1.0, 0.0),
        "grows by a tenth": 1.1**t,
    }


def lengths(gradients: np.ndarray) -> np.ndarray:
    """How far each step goes, in units of the rate."""
    step = adam({"p": np.zeros(())}, learning_rate=1.0, epsilon=1e-30, **BETAS)
    path = [0.0] + [float(step({"p": np.asarray(g)})["p"]) for g in gradients]
    return np.abs(np.diff(path))


def draw(theme: Theme) -> Figure:
    """A curve a sequence, each labelled at its end."""
    figure, ax = plt.subplots(figsize=theme.size(0.66))
    for (label, gradients), color in zip(sequences().items(), theme.colors, strict=False):
        y = lengths(gradients)
        ax.plot(np.arange(1, STEPS + 1), y, color=color)
        ax.text(STEPS + 1, y[-1], label, color=color, va="center")
    ax.set(xlabel="step", xlim=(0, STEPS + 34), ylim=(0, 2.1), xticks=range(0, STEPS + 1, 10))
    ax.set_title("Length of a step of Adam, in learning rates", loc="left")
    return figure
