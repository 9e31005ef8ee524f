"""How many inputs reach each place of a transposed convolution: uneven with three taps, even with four."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.oracles.architectures.convolutional.transposed_convolution import overlaps
from nnspec_site.figures import Theme

LENGTH, STRIDE = 6, 2
TAPS = (3, 4)


def draw(theme: Theme) -> Figure:
    """A row of bars, and the pattern that the same counts make in two dimensions, for each window."""
    figure, axes = plt.subplots(2, 2, figsize=theme.size(0.75), width_ratios=[1.6, 1])
    for (left, right), taps, color in zip(axes, TAPS, theme.colors, strict=False):
        counts = overlaps(LENGTH, taps, STRIDE, 1)
        left.bar(np.arange(len(counts)), counts, color=color)
        left.xaxis.get_major_locator().set_params(integer=True)
        left.set(yticks=[0, 1, 2], xlabel="place of the output" if taps == TAPS[-1] else "")
        left.set_title(f"{taps} taps, stride {STRIDE}", loc="left")
        left.grid(axis="x", visible=False)
        right.imshow(np.outer(counts, counts), cmap="Greys", vmin=0, vmax=5)
        right.set_axis_off()
        right.set_title("in an image", loc="left")
    return figure
