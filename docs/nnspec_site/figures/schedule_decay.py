"""Five learning rates that decay, from 1 over 60 steps."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_site.figures import Theme

STEPS, LENGTH, END = 60, 20, 0.1
NAMES = ("step", "exponential", "inverse time", "linear", "cosine")


def rates(length: int, end: float) -> dict[str, np.ndarray]:
    """The rate of each step by the reference: halved every so many steps, or at the end after three times as many."""
    from nnspec.training.schedules import decay

    at: Any = np.arange(STEPS + 1, dtype=np.int32)
    boundaries: Any = np.arange(length, STEPS + 1, length, dtype=np.int32)
    found = (
        decay.step_decay(at, boundaries, initial=1.0, factor=0.5),
        decay.exponential_decay(at, initial=1.0, decay_steps=length, decay_rate=0.5),
        decay.inverse_time_decay(at, initial=1.0, decay_steps=length, decay_rate=1.0),
        decay.polynomial_decay(at, initial=1.0, end=end, decay_steps=3 * length, power=1.0),
        decay.cosine_decay(at, initial=1.0, decay_steps=3 * length, floor=end),
    )
    return dict(zip(NAMES, map(np.asarray, found), strict=True))


def draw(theme: Theme) -> Figure:
    """All five over the steps."""
    figure, ax = plt.subplots(figsize=theme.size(0.6))
    for (name, values), color in zip(rates(LENGTH, END).items(), theme.colors, strict=False):
        ax.plot(values, color=color, linewidth=1.5, label=name, drawstyle="steps-post" if name == "step" else "default")
    ax.legend(loc="upper right", frameon=False)
    ax.set(xlabel="step", ylabel="learning rate", xlim=(0, STEPS), ylim=(0, 1.05))
    ax.set_title("From 1, over 60 steps", loc="left")
    return figure


def numbers() -> dict:
    """How many steps are shown, and where the sliders stand first."""
    return {"steps": STEPS, "length": LENGTH, "end": END}
