"""A digit on its way through the autoencoder of the page's example: halved twice to the code, and doubled twice."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.experiments.architectures.convolutional.digits import digits
from nnspec_conformance.oracles.architectures.convolutional_autoencoder import doubled, halved
from nnspec_site.figures import Theme

DIGIT = 1502  # a three, of thin strokes


def maps() -> dict[str, np.ndarray]:
    """What every layer hands on, by its title: kernels of the example, no bias, and nothing below 0 to cut off."""
    middle = np.zeros((4, 4, 1, 1))
    middle[1:3, 1:3] = 1
    none = np.zeros(1)
    image = digits()[0][DIGIT : DIGIT + 1].astype(np.float64)
    first = halved(image, middle / 4, none)
    code = halved(first, middle / 4, none)
    second = doubled(code, middle, none)
    steps = {"image": image, "halved": first, "code": code, "doubled": second}
    steps["reconstruction"] = doubled(second, middle, none)
    return {f"{name}\n{part.shape[1]} × {part.shape[2]}": part[0, :, :, 0] for name, part in steps.items()}


def draw(theme: Theme) -> Figure:
    """The way down in the first row, the way up in the second, from right to left."""
    figure, axes = plt.subplots(2, 3, figsize=theme.size(0.85))
    ink = "Greys" if theme.name == "light" else "gray"
    places = [*axes[0], axes[1, 1], axes[1, 0]]
    for ax, (title, picture) in zip(places, maps().items(), strict=True):
        ax.imshow(picture, cmap=ink, vmin=0, vmax=1, interpolation="nearest")
        ax.set_title(title, loc="left")
        ax.set(xticks=[], yticks=[])
        ax.grid(visible=False)
    axes[1, 2].set_axis_off()
    return figure
