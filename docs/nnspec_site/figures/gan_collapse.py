"""How many clusters generators cover over training, by loss, and how often their discriminators are right."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme

SHOWN = {
    "non-saturating": ("non-saturating", "-"),
    "minimax": ("minimax", ":"),
    "least squares": ("least squares", "--"),
    "hinge": ("hinge", "-."),
    "Wasserstein with penalty": ("Wasserstein", (0, (5, 1))),
}


def draw(theme: Theme) -> Figure:
    """Both by the step; the critic of the Wasserstein loss has no threshold, and no line below."""
    series = load_experiments()["ring-collapse"]["series"]
    figure, (modes, right) = plt.subplots(2, 1, figsize=theme.size(1.25), sharex=True)
    for (name, (label, style)), color in zip(SHOWN.items(), theme.colors, strict=False):
        given = {"color": color, "linestyle": style, "linewidth": 1.4}
        modes.plot(series["steps"], series[f"modes, {name}"], label=label, **given)
        if f"right, {name}" in series:
            right.plot(series["steps"], series[f"right, {name}"], **given)
    right.axhline(0.5, color=theme.muted, linewidth=0.8)
    modes.set(ylim=(-0.2, 8.4), ylabel="clusters covered")
    right.set(ylim=(0.4, 1.02), ylabel="discriminator right", xlabel="step of the generator")
    figure.legend(*modes.get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False)
    return figure
