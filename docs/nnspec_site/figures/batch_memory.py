"""Temporary memory of the mean gradient by the number of examples, at once and accumulated."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme

LABELS = {"at once": ("all at once", -12), "accumulated": ("256 at a time", 7)}


def draw(theme: Theme) -> Figure:
    """Both curves of the committed experiment."""
    series = load_experiments()["batch-memory"]["series"]
    examples = np.array(series["examples"])
    figure, ax = plt.subplots(figsize=theme.size(0.6))
    for (form, (name, above)), color, marker in zip(LABELS.items(), theme.colors, "os", strict=False):
        stored = np.array(series["bytes"][form]) / 2**20
        ax.loglog(examples, stored, marker=marker, color=color)
        place = {"xytext": (8, above), "textcoords": "offset points"}
        ax.annotate(name, (examples[2], stored[2]), **place, color=color, fontweight="bold")
    ax.set(xlabel="examples", xticks=examples, xticklabels=[f"{n:,}" for n in examples])
    ax.minorticks_off()
    ax.set_title("Temporary memory, in MiB", loc="left")
    return figure
