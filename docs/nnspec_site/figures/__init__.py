"""Figures of the site: one module a figure, drawn once for a light page and once for a dark one.

The figure ``activation-curves`` is the module ``activation_curves`` in this folder. It holds one function::

    def draw(theme: Theme) -> Figure:
        figure, axes = plt.subplots(figsize=theme.size(0.5))
        axes.plot(x, y, color=theme.colors[0])
        return figure

``draw`` runs inside the theme's matplotlib settings, so text, axes and grid already have the page's colours.
It takes no other argument; what it plots it computes, or reads through ``nnspec_conformance.results``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.figure import Figure

WIDTH = 7.2  # inches; the text column of a page
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

    def size(self, aspect: float, width: float = WIDTH) -> tuple[float, float]:
        """Figure size in inches for a height of ``aspect`` times the width."""
        return width, width * aspect

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


def save(figure: Figure, path: Path) -> None:
    """Write ``figure`` as SVG without a date, so that drawing it again changes nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def draw(name: str, folder: Path) -> list[Path]:
    """Draw the figure ``name`` in every theme; returns the files ``<name>-light.svg`` and ``<name>-dark.svg``."""
    module = importlib.import_module(makers()[name])
    written = []
    for theme in THEMES:
        with plt.rc_context(theme.settings()):
            figure = module.draw(theme)
            path = folder / f"{name}-{theme.name}.svg"
            save(figure, path)
            plt.close(figure)
        written.append(path)
    return written
