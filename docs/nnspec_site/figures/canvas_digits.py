"""What the networks of the experiments see: digits on canvases, with exchanged pixels, and the frames of clips."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.experiments.architectures.convolutional import canvas
from nnspec_conformance.experiments.architectures.convolutional.digits import digits
from nnspec_site.figures import Theme

CHOSEN = [100, 1600, 3900]  # a zero, a three and a seven


def pictures() -> dict[str, np.ndarray]:
    """Three pictures [3, 28, 28] for each row, by its title."""
    images, labels = (a[CHOSEN] for a in digits())
    placed = canvas.placed(images, np.random.default_rng(0))
    moving, _ = canvas.clips(images, np.random.default_rng(1))
    pair, _ = canvas.pairs(images, labels, np.random.default_rng(2))
    return {
        "as they are": placed[..., 0],
        "the same, pixels exchanged": canvas.exchanged(placed, np.random.default_rng(0))[..., 0],
        "three frames of a clip": np.moveaxis(moving[1], -1, 0),
        "three frames, one of two digits moves": np.moveaxis(pair[1], -1, 0),
    }


def draw(theme: Theme) -> Figure:
    """Four rows of three pictures."""
    figure, axes = plt.subplots(4, 3, figsize=theme.size(1.4))
    ink = "Greys" if theme.name == "light" else "gray"
    for row, (title, shown) in zip(axes, pictures().items(), strict=True):
        row[0].set_title(title, loc="left")
        for ax, picture in zip(row, shown, strict=True):
            ax.imshow(picture, cmap=ink, vmin=0, vmax=1, interpolation="nearest")
            ax.set(xticks=[], yticks=[])
            ax.grid(visible=False)
    return figure
