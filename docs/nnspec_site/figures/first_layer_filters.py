"""The filters of a first layer before and after training, as the experiment recorded them."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme


def draw(theme: Theme) -> Figure:
    """Sixteen filters in two rows of eight for each of two states; blue is negative, red positive."""
    kernels = load_experiments()["first-layer-orientation"]["series"]["kernels"]
    figure, axes = plt.subplots(4, 8, figsize=theme.size(0.58))
    for half, name in enumerate(("untrained", "trained")):
        filters = np.moveaxis(np.array(kernels[name]), -1, 0)
        for ax, one in zip(axes[2 * half : 2 * half + 2].ravel(), filters, strict=True):
            reach = np.abs(one).max()
            ax.imshow(one, cmap="RdBu_r", vmin=-reach, vmax=reach)
            ax.set_axis_off()
        axes[2 * half, 0].set_title(name, loc="left")
    return figure
