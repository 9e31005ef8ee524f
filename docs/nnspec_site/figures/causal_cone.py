"""Which inputs each result of an encoder depends on, with padding: all of them, and with causality."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.oracles.architectures.transformer.encoder import AXES, encoder
from nnspec_site.figures import Theme
from nnspec_site.figures._dependence import fields

PLACES, LENGTH, LAYERS = 7, 5, 2
SIZES = {"width": 4, "heads": 2, "depth": 2, "hidden": 3}
TITLES = ("without causal", "with causal")


def depends() -> np.ndarray:
    """Whether a result is another one with another input, [causal, result, input]: tried with each input in turn."""
    rng = np.random.default_rng(0)
    weights = {
        f"{name}_{n}": rng.normal(size=[SIZES[word] for word in words])
        for n in range(LAYERS)
        for name, words in AXES.items()
    }
    x = rng.normal(size=(1, PLACES, SIZES["width"]))
    inputs = np.concatenate([x, np.where(np.eye(PLACES)[..., None], -x, x)])
    lengths = np.full(len(inputs), LENGTH)
    results = [encoder(inputs, weights, lengths, norm="post", epsilon=1e-6, causal=causal) for causal in (False, True)]
    return np.array([np.any(y[1:] != y[:1], -1).T for y in results])


def draw(theme: Theme) -> Figure:
    """Two squares of fields: a row for each result, a column for each input."""
    figure, axes = plt.subplots(1, 2, figsize=theme.size(0.5))
    for causal, (ax, found) in enumerate(zip(axes, depends(), strict=True)):
        fields(ax, found[:LENGTH], theme.colors[causal], theme, result="result", title=TITLES[causal])
    return figure
