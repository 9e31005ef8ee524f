"""Five learning rates that rise first, or again, with the peak 1 over 60 steps."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_site.figures import Theme

STEPS, WARMUP, END, CYCLE = 60, 10, 0.0, 20
NAMES = ("warm-up, cosine", "warm-up, constant, decay", "inverse root", "restarts", "one cycle")
START, DIVISOR = 0.05, 100.0


def rates(warmup: int, end: float, cycle: int) -> dict[str, np.ndarray]:
    """The rate of each step by the reference: all of them reach their end after 60 steps, the restarts each cycle."""
    from nnspec.training.schedules import warmup as schedules

    at: Any = np.arange(STEPS + 1, dtype=np.int32)
    line = {"start": START, "peak": 1.0, "warmup_steps": warmup}
    stable = (STEPS - warmup) // 2
    found = (
        schedules.warmup_cosine(at, **line, decay_steps=STEPS - warmup, floor=end),
        schedules.warmup_stable_decay(at, **line, stable_steps=stable, decay_steps=STEPS - warmup - stable, end=end),
        schedules.inverse_root_warmup(at, peak=1.0, warmup_steps=warmup),
        schedules.cosine_restarts(at, initial=1.0, period=cycle, multiplier=2, floor=end),
        schedules.one_cycle(
            at, peak=1.0, rise_steps=warmup, length=STEPS, start_divisor=1 / START, end_divisor=DIVISOR
        ),
    )
    return dict(zip(NAMES, map(np.asarray, found), strict=True))


def draw(theme: Theme) -> Figure:
    """All five over the steps."""
    figure, ax = plt.subplots(figsize=theme.size(0.6))
    for (name, values), color in zip(rates(WARMUP, END, CYCLE).items(), theme.colors, strict=False):
        ax.plot(values, color=color, linewidth=1.5, label=name)
    ax.legend(loc="upper right", frameon=False)
    ax.set(xlabel="step", ylabel="learning rate", xlim=(0, STEPS), ylim=(0, 1.6), yticks=(0, 0.5, 1))
    ax.set_title("To 1 and down again, over 60 steps", loc="left")
    return figure


def numbers() -> dict:
    """How many steps are shown, where the rates start, and where the sliders stand first."""
    return {"steps": STEPS, "warmup": WARMUP, "end": END, "cycle": CYCLE, "start": START, "divisor": DIVISOR}
