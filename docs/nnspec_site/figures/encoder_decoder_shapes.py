"""An encoder-decoder as two towers, with the shape of every array between its parts."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from nnspec_site.figures import Theme

WIDTH, HEIGHT, STEP = 2.0, 0.62, 1.3
ENCODER, DECODER = 0.0, 3.1  # where the middles of the towers stand
BATCH, SOURCE, TARGET, FEATURES, HEADS = "B", "S", "T", "d", "H"
SIDES = {"source": ("source", SOURCE), "target": ("target", TARGET)}
# From below: the name of a part, and whose places ask and answer in it; the feed-forward network has none.
PARTS = {
    "encoder": (("self-attention", "source", "source"), ("feed-forward", "", "")),
    "decoder": (("causal self-attention", "target", "target"), ("cross-attention", "target", "source"),
                ("feed-forward", "", "")),
}  # fmt: skip


def shape(side: str) -> str:
    """The shape of what flows along a tower."""
    return f"[{BATCH}, {SIDES[side][1]}, {FEATURES}]"


def scores(asks: str, answers: str) -> str:
    """The shape of the scores of an attention."""
    return f"[{BATCH}, {HEADS}, {SIDES[asks][1]}, {SIDES[answers][1]}]"


def draw(theme: Theme) -> Figure:
    """Boxes are parts with shortcut and norm, arrows are arrays."""
    figure, ax = plt.subplots(figsize=theme.size(1.05))
    tops = {}
    for number, (tower, side, x) in enumerate((("encoder", "source", ENCODER), ("decoder", "target", DECODER))):
        color = theme.colors[number]
        ax.text(x, -0.35, f"{side}\n{shape(side)}", ha="center", va="top")
        for level, (name, asks, answers) in enumerate(PARTS[tower]):
            y = level * STEP + 0.55
            _arrow(ax, theme, (x, y - 0.85 if level == 0 else y - STEP + HEIGHT), (x, y))
            if level:
                ax.text(x + 0.08, y - 0.34, shape(side), va="center", color=theme.muted)
            box = FancyBboxPatch((x - WIDTH / 2, y), WIDTH, HEIGHT, boxstyle="round,pad=0,rounding_size=0.1",
                                 facecolor=color, edgecolor="none", alpha=0.25)  # fmt: skip
            ax.add_patch(box)
            detail = f"scores {scores(asks, answers)}" if asks else f"inside [{BATCH}, {SIDES[side][1]}, hidden]"
            ax.text(x, y + HEIGHT / 2, f"{name}\n{detail}", ha="center", va="center")
        top = (len(PARTS[tower]) - 1) * STEP + 0.55 + HEIGHT
        tops[tower] = top
        ax.text(x, len(PARTS["decoder"]) * STEP + 1.15, tower, ha="center", fontweight="bold", color=color)
    _arrow(ax, theme, (DECODER, tops["decoder"]), (DECODER, tops["decoder"] + 0.5))
    ax.text(DECODER, tops["decoder"] + 0.55, f"result {shape('target')}", ha="center", va="bottom")
    cross = STEP + 0.55 + HEIGHT / 2
    up = tops["encoder"] + 0.45
    ax.plot([ENCODER, ENCODER, 1.55, 1.55], [tops["encoder"], up, up, cross], color=theme.muted, linewidth=1.2)
    _arrow(ax, theme, (1.55, cross), (DECODER - WIDTH / 2, cross))
    ax.text(ENCODER + 0.1, up + 0.1, f"keys and values from {shape('source')}", ha="center", va="bottom")
    ax.set(xlim=(ENCODER - 1.3, DECODER + 1.15), ylim=(-1.15, len(PARTS["decoder"]) * STEP + 1.45))
    ax.axis("off")
    return figure


def _arrow(ax: Axes, theme: Theme, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": theme.muted, "shrinkA": 0, "shrinkB": 0})
