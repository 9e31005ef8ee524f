"""A digit, and three maps of a sixteenth of its size: largest entries, means, and every fourth pixel."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.experiments.architectures.convolutional.digits import digits
from nnspec_conformance.oracles.architectures.convolutional.pooling import average_pool, max_pool
from nnspec_site.figures import Theme

DIGIT = 1502  # a three, of thin strokes
WINDOW = (4, 4)


def maps() -> dict[str, np.ndarray]:
    """The pictures by their titles."""
    image = digits()[0][DIGIT : DIGIT + 1].astype(np.float64)
    found = {
        "28 × 28": image,
        "largest of 4 × 4": max_pool(image, window=WINDOW),
        "mean of 4 × 4": average_pool(image, window=WINDOW),
        "every fourth": image[:, ::4, ::4],
    }
    return {title: picture[0, :, :, 0] for title, picture in found.items()}


def draw(theme: Theme) -> Figure:
    """Four pictures, each with the whole range of grey."""
    figure, axes = plt.subplots(2, 2, figsize=theme.size(1.0))
    ink = "Greys" if theme.name == "light" else "gray"
    for ax, (title, picture) in zip(axes.ravel(), maps().items(), strict=True):
        ax.imshow(picture, cmap=ink, vmin=0, vmax=1, interpolation="nearest")
        ax.set_title(title, loc="left")
        ax.set(xticks=[], yticks=[])
        ax.grid(visible=False)
    return figure
