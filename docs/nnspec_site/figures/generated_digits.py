"""Digits that a convolutional generator makes of the same noise, at four times of its training."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.experiments.architectures.gan.generated_digits import SIDE
from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme

STEPS = 2000


def draw(theme: Theme) -> Figure:
    """A row for each time; the images of a column are made of the same numbers."""
    looks = np.array(load_experiments()["generated-digits"]["series"]["looks"])
    times = len(looks)
    figure, axes = plt.subplots(times, 1, figsize=theme.size(0.62))
    ink = "Greys" if theme.name == "light" else "gray"
    for i, (ax, row) in enumerate(zip(axes, looks, strict=True), 1):
        framed = np.pad(row.reshape(-1, SIDE, SIDE), ((0, 0), (1, 1), (1, 1)), constant_values=-1)
        ax.imshow(np.hstack(list(framed)), cmap=ink, vmin=-1, vmax=1, interpolation="nearest")
        ax.set_ylabel(f"{i * STEPS // times:,}", rotation=0, ha="right", va="center")
        ax.set(xticks=[], yticks=[])
        ax.grid(visible=False)
    return figure
