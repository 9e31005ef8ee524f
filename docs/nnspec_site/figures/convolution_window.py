"""A window of three by three on a small image, the products in it, and the output."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nnspec_conformance.oracles.architectures.convolutional.convolution import convolution_2d
from nnspec_site.figures import Theme

IMAGE = np.array(
    [
        [0, 0, 1, 3, 3, 3],
        [0, 0, 1, 3, 3, 2],
        [0, 1, 3, 3, 3, 0],
        [0, 1, 3, 3, 2, 0],
        [1, 3, 3, 2, 0, 0],
        [1, 3, 3, 1, 0, 0],
    ]
)
KERNEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 1, 0]])  # no symmetry: a flip would show
PLACE = (1, 1)


def output() -> np.ndarray:
    """The image's convolution without padding."""
    return convolution_2d(IMAGE[None, :, :, None].astype(float), KERNEL[:, :, None, None].astype(float))[0, :, :, 0]


def table(ax: Axes, numbers: np.ndarray, title: str, theme: Theme) -> None:
    """A square of numbers."""
    rows, columns = numbers.shape
    for (i, j), value in np.ndenumerate(numbers):
        ax.add_patch(Rectangle((j, i), 1, 1, fill=False, edgecolor=theme.muted, linewidth=0.6))
        ax.text(j + 0.5, i + 0.5, f"{value:g}".replace("-", "−"), ha="center", va="center")
    ax.set(xlim=(-0.1, columns + 0.1), ylim=(rows + 0.1, -0.1), aspect="equal")
    ax.set_title(title, loc="left")
    ax.axis("off")


def draw(theme: Theme) -> Figure:
    """The image with the window, the kernel, and the output with the place of the sum."""
    widths = [6, 3, 4]
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=theme.size(0.55), width_ratios=widths)
    table(left, IMAGE, "image", theme)
    table(middle, KERNEL, "kernel", theme)
    table(right, output(), "output", theme)
    (i, j), size = PLACE, len(KERNEL)
    left.add_patch(Rectangle((j, i), size, size, fill=False, edgecolor=theme.colors[0], linewidth=2.5))
    right.add_patch(Rectangle((j, i), 1, 1, fill=False, edgecolor=theme.colors[0], linewidth=2.5))
    return figure


def numbers() -> dict:
    """What the script slides over, and with what."""
    return {"image": IMAGE.tolist(), "kernel": KERNEL.tolist(), "place": PLACE[0] * len(output()) + PLACE[1] + 1}
