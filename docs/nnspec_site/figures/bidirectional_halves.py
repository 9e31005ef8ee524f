"""Which inputs each state of a bidirectional layer depends on, in either half, of a sequence with padding."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nnspec_conformance.oracles.architectures.stacked_recurrent import NAMES, bidirectional
from nnspec_site.figures import Theme
from nnspec_site.figures._dependence import fields

STEPS, LENGTH, UNITS = 7, 5, 3
TITLES = ("the forward half", "the backward half")


def depends() -> np.ndarray:
    """Whether a state is another one with another input, [half, state, input]: tried with each input in turn."""
    rng = np.random.default_rng(0)
    shapes = {"kernel": (1, UNITS), "recurrent_kernel": (UNITS, UNITS), "bias": (UNITS,)}
    weights = {
        f"{half}_{name}": rng.normal(size=shapes[name]) for half in ("forward", "backward") for name in NAMES["tanh"]
    }
    x = rng.normal(size=(1, STEPS, 1))
    inputs = np.concatenate([x, np.where(np.eye(STEPS)[..., None], -x, x)])
    states, _ = bidirectional(inputs, weights, np.full(len(inputs), LENGTH), cell="tanh")
    changed = [np.any(half[1:] != half[:1], -1) for half in np.split(states, 2, -1)]  # input, state
    return np.array(changed).swapaxes(1, 2)


def last(half: int) -> int:
    """The number of the state that is a half's last one."""
    return 0 if half else LENGTH - 1


def draw(theme: Theme) -> Figure:
    """Two squares of fields: a row for each state, a column for each input; the last state has a frame."""
    figure, axes = plt.subplots(1, 2, figsize=theme.size(0.5))
    for half, (ax, found) in enumerate(zip(axes, depends(), strict=True)):
        fields(ax, found[:LENGTH], theme.colors[half], theme, result="state", title=TITLES[half])
        frame = Rectangle((0.5, last(half) + 0.5), STEPS, 1, fill=False, edgecolor=theme.text, linewidth=1.4)
        ax.add_patch(frame)
    return figure
