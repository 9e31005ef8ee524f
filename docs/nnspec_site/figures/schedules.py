"""Learning rates over 60 steps: five that decay from 1, and five that rise to 1 first, or again."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_site.figures import Theme

STEPS, START, DIVISOR = 60, 0.05, 100.0
LENGTH, END, WARMUP = 20, 0.0, 10
DECAYS = ("step", "exponential", "inverse time", "linear", "cosine")
RISES = ("constant", "cosine", "inverse root", "restarts", "one cycle")


def rates(kind: str, warmup: int, length: int, end: float) -> np.ndarray:
    """The rate of each step by the reference.

    A line of ``warmup`` steps up to 1, and then: constant, or halved after each ``length`` steps, or falling to ``end``
    at the last step, or falling to it again and again, first in ``length`` steps.
    """
    from nnspec.training.schedules import decay
    from nnspec.training.schedules import warmup as rises

    at: Any = np.arange(STEPS + 1, dtype=np.int32)
    since: Any = np.maximum(at - warmup, 0)
    rest = STEPS - warmup
    halved: dict[str, Any] = {"initial": 1.0, "decay_steps": length, "decay_rate": 0.5}
    boundaries: Any = np.arange(length, STEPS + 1, length, dtype=np.int32)
    line = {"start": START, "peak": 1.0, "warmup_steps": warmup}
    if kind == "inverse root":
        return np.asarray(rises.inverse_root_warmup(at, peak=1.0, warmup_steps=max(warmup, 1)))
    if kind == "one cycle":
        peak = {"peak": 1.0, "rise_steps": max(warmup, 2), "length": STEPS}
        return np.asarray(rises.one_cycle(at, **peak, start_divisor=1 / START, end_divisor=DIVISOR))
    behind = {
        "constant": lambda: np.ones(STEPS + 1),
        "step": lambda: decay.step_decay(since, boundaries, initial=1.0, factor=0.5),
        "exponential": lambda: decay.exponential_decay(since, **halved),
        "inverse time": lambda: decay.inverse_time_decay(since, initial=1.0, decay_steps=length, decay_rate=1.0),
        "linear": lambda: decay.polynomial_decay(since, initial=1.0, end=end, decay_steps=rest, power=1.0),
        "cosine": lambda: rises.warmup_cosine(at, **line, decay_steps=rest, floor=end),
        "restarts": lambda: rises.cosine_restarts(since, initial=1.0, period=length, multiplier=2, floor=end),
    }
    up = rises.warmup_stable_decay(at, **line, stable_steps=STEPS, decay_steps=1, end=0.0)
    return np.where(at < warmup, np.asarray(up), np.asarray(behind[kind]()))


def draw(theme: Theme) -> Figure:
    """Above what decays from the first step, below what has a warm-up or begins again."""
    figure, axes = plt.subplots(2, 1, figsize=theme.size(1.15), sharex=True)
    for ax, names, warmup, title in (
        (axes[0], DECAYS, 0, "From 1 down"),
        (axes[1], RISES, WARMUP, "Up to 1 first"),
    ):
        for name, color in zip(names, theme.colors, strict=False):
            stairs = "steps-post" if name in ("step", "restarts") else "default"
            found = rates(name, warmup, LENGTH, END)
            ax.plot(found, color=color, linewidth=1.5, label=name, drawstyle=stairs)
        ax.legend(loc="upper right", frameon=False, ncols=2)
        ax.set(ylabel="learning rate", xlim=(0, STEPS), ylim=(0, 1.7), yticks=(0, 0.5, 1))
        ax.set_title(title, loc="left")
    axes[1].set(xlabel="step")
    return figure


def numbers() -> dict:
    """How many steps are shown, where the rates start and end, and where the controls stand first."""
    return {
        "steps": STEPS, "start": START, "divisor": DIVISOR, "length": LENGTH, "end": END,
        "kinds": ["cosine", "restarts"], "warmups": [WARMUP, 0],
    }  # fmt: skip
