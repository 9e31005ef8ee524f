"""A digit of 14 by 14 pixels, and three times as large by the nearest entry, linear and cubic interpolation."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.experiments.architectures.convolutional.digits import digits
from nnspec_conformance.oracles.architectures.convolutional.pooling import average_pool
from nnspec_conformance.oracles.architectures.resizing import resize_cubic, resize_linear, resize_nearest
from nnspec_site.figures import Theme

DIGIT = 1502  # a three, of thin strokes
SIZE = (42, 42)


def maps() -> dict[str, np.ndarray]:
    """The pictures by their titles."""
    image = average_pool(digits()[0][DIGIT : DIGIT + 1].astype(np.float64), window=(2, 2))
    found = {
        "14 × 14": image,
        "nearest": resize_nearest(image, size=SIZE),
        "linear": resize_linear(image, size=SIZE),
        "cubic": resize_cubic(image, size=SIZE),
    }
    return {title: picture[0, :, :, 0] for title, picture in found.items()}


def draw(theme: Theme) -> Figure:
    """Four pictures in one range of grey, in which the cubic's values below 0 can be seen."""
    figure, axes = plt.subplots(2, 2, figsize=theme.size(1.0))
    ink = "Greys" if theme.name == "light" else "gray"
    for ax, (title, picture) in zip(axes.ravel(), maps().items(), strict=True):
        ax.imshow(picture, cmap=ink, vmin=-0.1, vmax=1.1, interpolation="nearest")
        ax.set_title(title, loc="left")
        ax.set(xticks=[], yticks=[])
        ax.grid(visible=False)
    return figure
