"""Eight tokens that may come next: who is left after the temperature and three cuts, and with what probability."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_site.figures import Theme

WORDS = ("the", "a", "my", "his", "no", "rain", "blue", "of")
LOGITS = (3.0, 2.5, 1.5, 1.25, 0.5, 0.0, -1.0, -2.0)
SHOWN: tuple[tuple[str, dict[str, Any]], ...] = (
    ("temperature 0.5", {}),
    ("temperature 1", {}),
    ("temperature 1, nucleus 0.8", {"p": 0.8}),
)
TEMPERATURES = (0.5, 1.0, 1.0)


def probabilities(temperature: float = 1.0, *, k: int = 8, p: float = 1.0, min_p: float = 0.0) -> np.ndarray:
    """What is left after the temperature, top-k, the nucleus and min-p, one after the other, by the reference."""
    import jax.numpy as jnp

    from nnspec.architectures.transformer import decoding

    q = decoding.top_k_probabilities(jnp.asarray(LOGITS), k=k, temperature=temperature)
    q = decoding.nucleus_probabilities(jnp.log(q), p=p)
    return np.asarray(decoding.min_p_probabilities(jnp.log(q), min_p=min_p) if min_p else q)


def draw(theme: Theme) -> Figure:
    """The distribution, sharpened and cut."""
    figure, axes = plt.subplots(3, 1, figsize=theme.size(1.0), sharex=True, sharey=True)
    for ax, temperature, (title, cut) in zip(axes, TEMPERATURES, SHOWN, strict=True):
        r = probabilities(temperature, **cut)
        ax.bar(range(len(WORDS)), r, color=theme.colors[0], width=0.7)
        for place in np.flatnonzero(r == 0):
            ax.plot(place, 0.03, "x", color=theme.muted)
        ax.set_title(title, loc="left")
        ax.set_ylim(0, 0.8)
    axes[-1].set_xticks(range(len(WORDS)), WORDS)
    return figure


def numbers() -> dict:
    """The tokens and their logits."""
    return {"words": WORDS, "logits": LOGITS}
