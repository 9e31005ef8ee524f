"""A.9.1: a convolutional network against dense ones, with neighbours that belong together, and without."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.experiments.architectures.convolutional.network import canvas
from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import mean_interval

DENSE = {"equal parameters": 27, "equal products": 617}  # hidden units


@experiment("network-against-dense", short={"seeds": 2, "images": 200, "epochs": 1})
def against_dense(seeds: int, *, images: int = 4000, epochs: int = 10) -> Outcome:
    """Accuracies of three networks on canvases as they are, and on canvases with exchanged pixels."""
    rows = []
    for seed in watched(range(seeds), "seeds"):
        (x, labels, _), (others, truth, _) = canvas.canvases(seed, images)
        for pixels in ("as they are", "exchanged"):
            if pixels == "exchanged":
                x, others = canvas.exchanged(seed, x), canvas.exchanged(seed, others)
            found = {"seed": seed, "pixels": pixels}
            starts = {"convolutional": ("convolutional", canvas.convolutional_start(seed))}
            starts |= {name: ("dense", canvas.dense_start(seed, units)) for name, units in DENSE.items()}
            for name, (kind, start) in starts.items():
                last = canvas.trained(kind, seed, start, x, labels, epochs)
                found[name] = canvas.accuracy(kind, last, others, truth)
            rows.append(found)
    mean = {
        (name, pixels): np.array([row[name] for row in rows if row["pixels"] == pixels])
        for name in ("convolutional", *DENSE)
        for pixels in ("as they are", "exchanged")
    }
    ahead = mean["convolutional", "as they are"] - mean["equal parameters", "as they are"]
    value, low, high = mean_interval(ahead)
    came = {
        "advantage, equal parameters": value,
        "advantage, equal products": float(
            np.mean(mean["convolutional", "as they are"] - mean["equal products", "as they are"])
        ),
        "advantage, exchanged pixels": float(
            np.mean(mean["convolutional", "exchanged"] - mean["equal parameters", "exchanged"])
        ),
        "accuracy, convolutional": float(mean["convolutional", "as they are"].mean()),
    }
    series = {f"{name}, {pixels}": values.tolist() for (name, pixels), values in mean.items()}
    effect = Effect("accuracy, convolutional less dense of equal parameters", value, (low, high))
    return Outcome(came, effect, rows, series)
