"""The picture of a shared link: one a section of the site, drawn once, 1200 by 630 as the services that show them want.

Services load it by a whole address, so it has one where ``SITE_URL`` says where the site is published.
"""

from __future__ import annotations

import base64
import io
import os
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnspec_site.assets import GENERATED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 1200, 630
FOLDER = "assets/generated/cards"
GROUND, INK, SOFT = "#1c2333", "#ffffff", "#d5d9e3"
COLORS = ("#8fc2ff", "#ffb870", "#7fd6a4")
NAMES = {
    "components": "Components",
    "architectures": "Architectures",
    "training": "Training",
    "results": "Results",
    "nnspec": "Neural networks, stated and tested",
}


def section(address: str) -> str:
    """The section whose picture a page has, by the page's address."""
    parts = address.split("/")
    return next((part for part in parts[:2] if part in NAMES), "nnspec")


def meta(address: str) -> str:
    """The lines of a page's head that name its picture."""
    name = section(address)
    root = os.environ.get("SITE_URL") or "../" * address.count("/")
    return (
        f'<meta property="og:image" content="{root}{FOLDER}/{name}.png">\n'
        f'<meta property="og:image:width" content="{WIDTH}">\n<meta property="og:image:height" content="{HEIGHT}">\n'
        f'<meta property="og:image:alt" content="nnspec: {NAMES[name]}">\n'
        '<meta name="twitter:card" content="summary_large_image">\n'
    )


def draw_cards(folder: Path = GENERATED / "cards") -> None:
    """Write every picture; what was drawn before comes from the disk."""
    from nnspec_site.kept import kept, maker

    made_from = maker(__file__, version("matplotlib"), version("pillow"))
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        text = kept("cards", (made_from, name), lambda name=name: base64.b64encode(draw(name)).decode())
        (folder / f"{name}.png").write_bytes(base64.b64decode(text))


def draw(name: str) -> bytes:
    """A picture as PNG."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100, facecolor=GROUND)
    canvas = FigureCanvasAgg(figure)
    figure.text(0.06, 0.8, "nnspec", color=SOFT, fontsize=34)
    figure.text(0.06, 0.66, NAMES[name], color=INK, fontsize=54 if len(NAMES[name]) < 20 else 40, fontweight="bold")
    figure.text(0.06, 0.08, "The executable specification of neural networks", color=SOFT, fontsize=24)
    axes: Axes = figure.add_axes((0.06, 0.18, 0.88, 0.42))
    axes.set_axis_off()
    {"components": _curves, "architectures": _layers, "training": _path}.get(name, _checks)(axes)
    canvas.draw()
    written = io.BytesIO()
    Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]).quantize(32).save(written, format="png", optimize=True)
    return written.getvalue()


def _curves(axes: Any) -> None:
    import numpy as np

    x = np.linspace(-4, 4, 200)
    for color, y in zip(COLORS, (np.maximum(x, 0) / 4, 1 / (1 + np.exp(-x)), np.tanh(x)), strict=True):
        axes.plot(x, y, color=color, linewidth=6)


def _layers(axes: Any) -> None:
    widths = (3, 5, 5, 2)
    places = [[(at, (row + 0.5) / width) for row in range(width)] for at, width in enumerate(widths)]
    for before, after in pairwise(places):
        for x0, y0 in before:
            for x1, y1 in after:
                axes.plot((x0, x1), (y0, y1), color=SOFT, linewidth=1, alpha=0.5)
    for at, layer in enumerate(places):
        axes.scatter(*zip(*layer, strict=True), s=900, color=COLORS[at % 3], zorder=2)


def _path(axes: Any) -> None:
    import numpy as np

    x, y = np.meshgrid(np.linspace(-4, 4, 160), np.linspace(-1.6, 1.6, 80))
    axes.contour(x, y, x**2 / 6 + 2 * y**2, levels=8, colors=SOFT, linewidths=1.5, alpha=0.6)
    at, points = np.array([-3.6, 1.3]), []
    for _ in range(12):
        points.append(at)
        at = at - 0.42 * np.array([at[0] / 3, 4 * at[1]])  # gradient descent, just below the rate that diverges
    axes.plot(*zip(*points, strict=True), color=COLORS[1], linewidth=5, marker="o", markersize=12)


def _checks(axes: Any) -> None:
    axes.set_xlim(0, 12)
    axes.set_ylim(0, 4)
    for column in range(12):
        for row in range(4):
            differs = (column * 5 + row * 3) % 11 == 0
            color = COLORS[1] if differs else COLORS[2]
            axes.scatter(column + 0.5, row + 0.5, s=700, color=color, marker="D" if differs else "o")
