"""A row of four features, and what layer norm and RMS norm make of it."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_site.figures import Theme

ROW = (0.5, 2.0, -1.0, 1.5)
MOVED = ((0.0, 1.0), (2.0, 1.0), (0.0, 0.5))  # added to all, and a factor: as it is, and the two that are drawn
EPSILON = 1e-5


def normalized(added: float, factor: float, epsilon: float = EPSILON) -> dict[str, np.ndarray]:
    """The row with a factor and a number added, and both norms of it, by the reference."""
    from nnspec.architectures.transformer.normalization import layer_norm, rms_norm

    x = np.array(ROW, np.float32) * np.float32(factor) + np.float32(added)
    return {
        "the row": x,
        "layer norm": np.asarray(layer_norm(x, epsilon=epsilon)),
        "RMS norm": np.asarray(rms_norm(x, epsilon=epsilon)),
    }


def draw(theme: Theme) -> Figure:
    """Three rows below one another, each with both norms beside it."""
    figure, axes = plt.subplots(3, 3, figsize=theme.size(1.0), sharey=True, sharex=True)
    titles = ("as it is", "plus 2", "times ½")
    for line, (added, factor), title in zip(axes, MOVED, titles, strict=True):
        for n, (ax, (name, values)) in enumerate(zip(line, normalized(added, factor).items(), strict=True)):
            ax.bar(range(4), values, color=theme.muted if n == 0 else theme.colors[n - 1], width=0.7)
            ax.axhline(0, color=theme.text, linewidth=0.8)
            ax.set_title(f"{name}, {title}" if n == 0 else name, loc="left")
            ax.set(xticks=[])
    return figure


def numbers() -> dict:
    """The row that the reader moves."""
    return {"row": list(ROW)}
