"""Figures of the site: one module a figure, shown in the colours of a light page and in those of a dark one.

The figure ``activation-curves`` is the module ``activation_curves`` in this folder. It holds one function::

    def draw(theme: Theme) -> Figure:
        figure, axes = plt.subplots(figsize=theme.size(0.5))
        axes.plot(x, y, color=theme.colors[0])
        return figure

``draw`` runs inside the theme's matplotlib settings, so text, axes and grid already have the page's colours.
It takes no other argument; what it plots it computes, or reads through ``nnspec_conformance.results``. The dark picture
is the light one with its colours exchanged; one that has pixels, or colours of its own, is drawn a second time.

A figure **moves** where ``docs/pages/assets/figures/activation-curves.js`` exists: one plain script of at most 5 KB,
which calls ``nnFigure`` (``docs/pages/assets/figures.js`` says what it gets). The drawn figure is then its still
picture, for print and for readers without scripts, and the module holds a second function: ``numbers()`` returns what
the script shows, from the reference, as JSON.
"""

from __future__ import annotations

import importlib
import io
import json
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from nnspec_site.figures._light import light

SCRIPTS = Path(__file__).resolve().parents[2] / "pages" / "assets" / "figures"
COLOR = re.compile(r"#[0-9a-f]{6}\b")
WIDTH = 4.8  # inches: letters of the size below are 10 px high where a phone shows the figure 358 px wide
Draw = Callable[["Theme"], Figure]


@dataclass(frozen=True)
class Theme:
    """The colours of one page scheme. ``colors`` are told apart by colour-blind readers and reach 3:1 on the page."""

    name: str
    text: str
    muted: str
    grid: str
    background: str
    colors: tuple[str, ...]

    @property
    def palette(self) -> tuple[str, ...]:
        """Every colour, in an order that is the same in all schemes."""
        return (self.text, self.muted, self.grid, self.background, *self.colors)

    def size(self, aspect: float) -> tuple[float, float]:
        """Figure size in inches, for a height of ``aspect`` times the width."""
        return WIDTH, WIDTH * aspect

    def settings(self) -> dict[Any, Any]:
        """Matplotlib's rcParams for this scheme; the hash salt is fixed, so that equal figures are equal files."""
        return {
            "svg.hashsalt": "nnspec",
            "svg.fonttype": "path",
            "font.size": 10,
            "axes.titlesize": 10,
            "axes.titleweight": "bold",
            "figure.facecolor": "none",
            "savefig.facecolor": "none",
            "axes.facecolor": "none",
            "text.color": self.text,
            "axes.labelcolor": self.text,
            "axes.titlecolor": self.text,
            "axes.edgecolor": self.muted,
            "xtick.color": self.muted,
            "ytick.color": self.muted,
            "xtick.labelcolor": self.text,
            "ytick.labelcolor": self.text,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": self.grid,
            "grid.linewidth": 0.7,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": cycler(color=self.colors),
            "lines.linewidth": 1.8,
            "legend.frameon": False,
            "legend.labelcolor": self.text,
            "figure.constrained_layout.use": True,
        }


LIGHT = Theme(
    name="light",
    text="#1f2430",
    muted="#6b7280",
    grid="#e3e6ea",
    background="#ffffff",
    colors=("#0b62c4", "#c2410c", "#0f766e", "#a21caf", "#8a6100", "#b91c1c"),
)
DARK = Theme(
    name="dark",
    text="#e6e8ee",
    muted="#9aa3b2",
    grid="#353b48",
    background="#1e2129",
    colors=("#6cb2ff", "#ff9a5c", "#4fd1c0", "#e58cf2", "#e3b94d", "#ff8a8a"),
)
THEMES = (LIGHT, DARK)


def makers() -> dict[str, str]:
    """Figure name -> the module that draws it."""
    names = [info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_")]
    return {name.replace("_", "-"): f"{__name__}.{name}" for name in sorted(names)}


def moves(name: str) -> bool:
    """Whether the figure ``name`` has a script."""
    return (SCRIPTS / f"{name}.js").is_file()


def files(name: str, folder: Path) -> list[Path]:
    """The files of the figure ``name``: a picture a theme and, where it moves, its numbers."""
    pictures = [folder / f"{name}-{theme.name}.svg" for theme in THEMES]
    return [*pictures, folder / f"{name}.js"] if moves(name) else pictures


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of a drawn picture in pixels, so that a page leaves the room for it while it loads."""
    head = path.read_text(encoding="utf-8")[:1000]
    points = [re.search(rf'<svg [^>]*?{side}="([0-9.]+)pt"', head) for side in ("width", "height")]
    width, height = (round(float(found.group(1)) * 96 / 72) for found in points if found)
    return width, height


def save(figure: Figure, path: Path) -> None:
    """Write ``figure`` as a light SVG without a date, so that drawing it again changes nothing.

    Not by ``savefig``, which draws all of it once before that, in vain.
    """
    drawn = io.StringIO()
    FigureCanvasSVG(figure).print_svg(drawn, metadata={"Date": None, "Creator": None})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(light(drawn.getvalue()), encoding="utf-8")


def dark(picture: str) -> str | None:
    """A light picture in the dark page's colours; None where it has pixels or a colour that is not the theme's."""
    exchanged = dict(zip(LIGHT.palette, DARK.palette, strict=True))
    if "<image" in picture or not exchanged.keys() >= set(COLOR.findall(picture)):
        return None
    return COLOR.sub(lambda found: exchanged[found.group()], picture)


def _draw(module: Any, theme: Theme, path: Path) -> None:
    with plt.rc_context(theme.settings()):
        figure = module.draw(theme)
        save(figure, path)
        plt.close(figure)


def draw(name: str, folder: Path) -> list[Path]:
    """Write the ``files`` of the figure ``name``: a picture in every theme, and the numbers of its script."""
    module = importlib.import_module(makers()[name])
    written = files(name, folder)
    _draw(module, LIGHT, written[0])
    if (text := dark(written[0].read_text(encoding="utf-8"))) is None:
        _draw(module, DARK, written[1])
    else:
        written[1].write_text(text, encoding="utf-8")
    if moves(name):
        numbers = json.dumps(module.numbers(), allow_nan=False, separators=(",", ":"))
        text = f"// Generated by nnspec_site.build.\n(globalThis.nnNumbers ??= {{}})[{json.dumps(name)}] = {numbers};\n"
        written[-1].write_text(text, encoding="utf-8")
    return written
