"""A photograph and what filters that were made by hand, of Sobel and of Gabor, find in it.

The photograph of Grace Hopper is the United States Navy's, in the public domain; Matplotlib brings it along.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import cbook, image
from matplotlib.figure import Figure

from nnspec_conformance.oracles.architectures.convolutional.convolution import convolution_2d
from nnspec_site.figures import Theme

SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
ROWS, COLUMNS = slice(0, 360), slice(0, 399)


def photograph() -> np.ndarray:
    """Levels of grey from 0 to 1, every 3 x 3 pixels by their mean: the picture is part of a page."""
    file = str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    colours = image.imread(file)[ROWS, COLUMNS] / 255
    grey = colours @ [0.299, 0.587, 0.114]
    return grey.reshape(grey.shape[0] // 3, 3, grey.shape[1] // 3, 3).mean((1, 3))


def gabor(degrees: float, *, wavelength: float = 6.0, width: float = 2.2, reach: int = 5) -> np.ndarray:
    """A wave below a bell: it answers to stripes of that wavelength at right angles to a direction.

    Args:
        degrees: the direction in which the wave runs, 0 to the right and 90 downwards.
        wavelength: pixels from one light stripe to the next.
        width: standard deviation of the bell in pixels.
        reach: pixels from the middle to each side.
    """
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along = x * np.cos(np.radians(degrees)) + y * np.sin(np.radians(degrees))
    bell = np.exp(-(x**2 + y**2) / (2 * width**2))
    wave = bell * np.cos(2 * np.pi * along / wavelength)
    return wave - bell * wave.sum() / bell.sum()  # nothing for an even ground


def answers(picture: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The size of the convolution's result at each place."""
    return np.abs(convolution_2d(picture[None, :, :, None], kernel[:, :, None, None].astype(float))[0, :, :, 0])


def draw(theme: Theme) -> Figure:
    """The photograph and the answers of three filters; the stronger one is, the further from the page's colour."""
    picture = photograph()
    kernels = {"Sobel, across": SOBEL, "Sobel, down": SOBEL.T, "Gabor, 45°": gabor(45)}
    figure, axes = plt.subplots(2, 2, figsize=theme.size(1.02))
    panels = {"photograph": picture} | {title: answers(picture, kernel) for title, kernel in kernels.items()}
    for ax, (title, panel) in zip(axes.ravel(), panels.items(), strict=True):
        plain = title == "photograph"
        ink = "gray" if plain or theme.name == "dark" else "Greys"
        ax.imshow(panel, cmap=ink, vmin=0, vmax=1 if plain else np.quantile(panel, 0.99))
        ax.set_title(title, loc="left")
        ax.set(xticks=[], yticks=[])
        ax.grid(visible=False)
    return figure
