"""What one place of the last layer sees: the places of each layer before it, down to a row of pixels."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nnspec_site.figures import Theme

PIXELS = 32
LAYERS, WINDOW, STRIDE = 3, 3, 2
PLACE = 2  # of the last layer, counted from 1


def rows(place: int) -> list[tuple[int, set[int]]]:
    """Tell for the pixels and each layer up to the last one how many places there are, and which of them count."""
    counts = [PIXELS]
    for _ in range(LAYERS):
        counts.append((counts[-1] - WINDOW) // STRIDE + 1)
    seen = [{place - 1}]
    for _ in range(LAYERS):
        seen.append({STRIDE * p + tap for p in seen[-1] for tap in range(WINDOW)})
    return list(zip(counts, reversed(seen), strict=True))


def centre(layer: int, place: int) -> float:
    """Where the middle of a place's receptive field is, in pixels."""
    jump, reach = STRIDE**layer, sum((WINDOW - 1) * STRIDE**i for i in range(layer))
    return place * jump + reach / 2 + 0.5


def draw(theme: Theme) -> Figure:
    """A row of squares for each layer, the pixels at the bottom."""
    figure, ax = plt.subplots(figsize=theme.size(0.42))
    found = rows(PLACE)
    for layer, (count, seen) in enumerate(found):
        for place in range(count):
            x, inside = centre(layer, place), place in seen
            ax.add_patch(
                Rectangle(
                    (x - 0.4, 2.5 * layer), 0.8, 0.8, facecolor=theme.colors[0] if inside else "none",
                    edgecolor=theme.muted, linewidth=0.6,
                )
            )  # fmt: skip
            for tap in range(WINDOW) if layer and inside else []:
                below = centre(layer - 1, STRIDE * place + tap)
                ax.plot([x, below], [2.5 * layer, 2.5 * layer - 1.7], color=theme.colors[0], linewidth=0.8)
    for layer in range(len(found)):
        ax.text(0, 2.5 * layer + 1, "pixels" if layer == 0 else f"layer {layer}", va="bottom")
    ax.set(xlim=(-0.2, PIXELS + 0.2), ylim=(-0.2, 2.5 * LAYERS + 1.9))
    ax.axis("off")
    return figure


def numbers() -> dict:
    """Where the sliders stand; the script counts by itself, and a test holds it to the reference."""
    return {"pixels": PIXELS, "layers": LAYERS, "window": WINDOW, "stride": STRIDE, "place": PLACE}
