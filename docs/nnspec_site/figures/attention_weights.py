"""Where each word of a sentence looks: queries, keys and weights, with and without a causal mask."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nnspec_site.figures import Theme

WORDS = ("the", "dog", "barks", "when", "it", "sleeps")
# Two features that somebody made up: a noun is looked for, and a verb.
QUERIES = ((2.0, 0.0), (0.0, 2.0), (2.0, 0.0), (0.0, 1.5), (2.5, 0.5), (2.0, -0.5))
KEYS = ((-1.0, 0.0), (2.0, 0.0), (0.0, 2.0), (0.0, -1.0), (1.0, 0.0), (0.0, 1.5))


def weights(scale: float, mask: np.ndarray) -> np.ndarray:
    """The weights of all words for each word, by the reference: values that show them are handed over."""
    import jax.numpy as jnp

    from nnspec.architectures.transformer.attention import attention

    q, k = (np.array(a, np.float32)[None, :, None] for a in (QUERIES, KEYS))
    v = np.eye(len(WORDS), dtype=np.float32)[None, :, None]
    y = attention(*map(jnp.asarray, (q, k, v)), jnp.asarray(mask)[None, None], scale=scale)
    return np.asarray(y)[0, :, 0]


def draw(theme: Theme) -> Figure:
    """The weights as two tables of squares, a row for each query."""
    count, places = len(WORDS), np.arange(len(WORDS))
    figure, axes = plt.subplots(1, 2, figsize=theme.size(0.6), sharey=True)
    masks = {"every word": np.ones((count, count), bool), "no later word": np.tri(count, dtype=bool)}
    for ax, (title, mask) in zip(axes, masks.items(), strict=True):
        found = weights(2**-0.5, mask)
        for i, j in np.argwhere(mask):
            side = 0.92 * float(found[i, j]) ** 0.5
            square = (j - side / 2, i - side / 2), side, side
            ax.add_patch(Rectangle(*square, color=theme.colors[0]))
        for i, j in np.argwhere(~mask):
            ax.plot(j, i, "x", color=theme.muted, markersize=4)
        ax.set(xlim=(-0.6, count - 0.4), ylim=(count - 0.4, -0.6), aspect="equal", xlabel="key")
        ax.set_xticks(places, WORDS, rotation=60)
        ax.set_yticks(places, WORDS)
        ax.set_title(title, loc="left")
    axes[0].set_ylabel("query")
    return figure


def numbers() -> dict:
    """The words with their queries and keys."""
    return {"words": WORDS, "queries": QUERIES, "keys": KEYS}
