"""How much of a gradient comes back to each input: an Elman layer, and LSTMs with several forget biases."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme

SHOWN = {
    "LSTM, forget bias 4": "LSTM, bias 4",
    "LSTM, forget bias 1": "LSTM, bias 1",
    "LSTM, forget bias 0": "LSTM, bias 0",
    "Elman": "Elman",
}


def draw(theme: Theme) -> Figure:
    """A curve for each layer, the mean over ten; powers of ten above the gradient for the last input."""
    series = load_experiments()["lstm-gradients"]["series"]
    figure, ax = plt.subplots(figsize=theme.size(0.6))
    for (name, label), colour, line in zip(SHOWN.items(), theme.colors, ("-", "-", "-", "--"), strict=False):
        powers = np.array(series[name])
        ax.plot(np.arange(1, len(powers) + 1), powers, line, color=colour, linewidth=1.4, label=label)
    ax.legend(frameon=False, loc="lower right")
    ax.set(xlabel="step of the input", ylabel="powers of ten")
    ax.set_title("Gradient for each input, over that for the last", loc="left")
    return figure
