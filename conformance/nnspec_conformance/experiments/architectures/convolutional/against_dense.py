"""A.9.1: a convolutional network against dense ones, where neighbouring pixels belong together and where not."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.experiments.architectures.convolutional import canvas, digits, rivals
from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import mean_interval

OTHERS = 1000


@experiment("convolutional-against-dense", short={"seeds": 2, "images": 2000, "epochs": 4})
def against_dense(seeds: int, *, images: int = 4000, epochs: int = 10) -> Outcome:
    """Accuracies of three networks on canvases as they are, and on canvases with exchanged pixels."""
    rows = []
    for seed in watched(range(seeds), "seeds"):
        draws, exchange = (np.random.default_rng(base + seed) for base in (2000, 3000))
        halves = digits.halves(seed, images, OTHERS)
        learned, others = ((canvas.placed(x, draws)[0], labels) for x, labels in halves)
        rows.append({"seed": seed, "pixels": "as they are"} | rivals.accuracies(seed, learned, others, 10, epochs))
        together = canvas.exchanged(np.concatenate([learned[0], others[0]]), exchange)
        learned, others = (together[:images], learned[1]), (together[images:], others[1])
        rows.append({"seed": seed, "pixels": "exchanged"} | rivals.accuracies(seed, learned, others, 10, epochs))
    return compared(rows)


def compared(rows: list[dict]) -> Outcome:
    """What the accuracies say about the claim."""
    found = {
        (pixels, name): np.array([row[name] for row in rows if row["pixels"] == pixels])
        for pixels in ("as they are", "exchanged")
        for name in rivals.NAMES
    }
    ahead = {key: found[key[0], rivals.CONVOLUTIONAL] - values for key, values in found.items()}
    value, low, high = mean_interval(ahead["as they are", rivals.PARAMETERS])
    came = {
        "advantage, equal parameters": value,
        "advantage, equal products": float(ahead["as they are", rivals.PRODUCTS].mean()),
        "exchanged, equal parameters": float(ahead["exchanged", rivals.PARAMETERS].mean()),
        "exchanged, equal products": float(ahead["exchanged", rivals.PRODUCTS].mean()),
        "accuracy, convolutional": float(found["as they are", rivals.CONVOLUTIONAL].mean()),
    }
    series = {f"{name}, {pixels}": values.tolist() for (pixels, name), values in found.items()}
    effect = Effect("accuracy, convolutional less dense of equal parameters", value, (low, high))
    return Outcome(came, effect, rows, series)
