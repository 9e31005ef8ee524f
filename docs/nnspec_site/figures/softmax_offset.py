"""Softmax in float32 for scores with an offset: the formula as it is written, and with the maximum subtracted first."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_site.figures import Theme

SCORES = [0.0, 1.0, 2.0]


def as_written(x: np.ndarray) -> np.ndarray:
    """Exponentials divided by their sum, in the dtype of ``x``."""
    with np.errstate(all="ignore"):
        e = np.exp(x)
        return e / e.sum(-1, keepdims=True)


def draw(theme: Theme) -> Figure:
    """The largest probability by offset; the naive form has none where it is NaN."""
    figure, ax = plt.subplots(figsize=theme.size(0.6))
    offset = np.arange(-120, 121, dtype=np.float32)
    x = np.array(SCORES, np.float32) + offset[:, None]
    ax.plot(offset, as_written(x)[:, 2], color=theme.colors[1], linewidth=5, alpha=0.6)
    ax.plot(offset, as_written(x - x.max(-1, keepdims=True))[:, 2], color=theme.colors[0])
    ax.text(-115, 0.53, "as it is written:\nNaN beyond the ends", color=theme.colors[1], va="center")
    ax.text(-115, 0.79, "largest subtracted first", color=theme.colors[0])
    ax.set(ylim=(0.4, 0.9), xlabel="offset added to the scores 0, 1, 2")
    ax.set_title("Probability of the largest score, float32", loc="left")
    return figure


def numbers() -> dict:
    """The scores that are shown."""
    return {"scores": SCORES}
