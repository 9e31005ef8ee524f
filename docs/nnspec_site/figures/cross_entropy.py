"""Binary cross-entropy of an example: the loss over the probability of its label, and the gradient for the logit."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_site.figures import Theme

SHOWN = 0.25


def draw(theme: Theme) -> Figure:
    """Loss and gradient over the predicted probability of the label, with one prediction marked."""
    figure, ax = plt.subplots(figsize=theme.size(0.6))
    p = np.linspace(0.01, 1, 400)
    ax.plot(p, -np.log(p), color=theme.colors[0])
    ax.plot(p, p - 1, color=theme.colors[1])
    ax.plot([SHOWN, SHOWN], [-np.log(SHOWN), SHOWN - 1], "o", color=theme.text, linestyle="none")
    ax.text(SHOWN + 0.03, -np.log(SHOWN) + 0.1, f"loss {-np.log(SHOWN):.2f}", color=theme.colors[0])
    ax.text(SHOWN + 0.05, SHOWN - 1.25, f"gradient {SHOWN - 1:.2f}", color=theme.colors[1])
    ax.set(xlim=(0, 1), ylim=(-1.5, 4.5), xlabel="predicted probability p of the label")
    ax.set_title("Loss −log p and gradient p − 1 for the logit", loc="left")
    return figure


def numbers() -> dict:
    """Where the slider stands at first."""
    return {"shown": SHOWN}
