"""A.9.1, video: which way does a digit move in a clip of three frames?"""

from __future__ import annotations

import numpy as np

from nnspec_conformance.experiments.architectures.convolutional import canvas, digits, rivals
from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import mean_interval

OTHERS, CLASSES = 1000, len(canvas.DIRECTIONS)
STILL = "convolutional, still frames"


@experiment("moving-digits", short={"seeds": 2, "images": 100, "epochs": 1})
def moving_digits(seeds: int, *, images: int = 4000, epochs: int = 10) -> Outcome:
    """Accuracies of three networks on clips, and of the first on clips whose frames are all the middle one."""
    rows = []
    for seed in watched(range(seeds), "seeds"):
        draws = np.random.default_rng(2000 + seed)
        learned, others = (canvas.clips(x, draws) for x, _ in digits.halves(seed, images, OTHERS))
        row: dict = {"seed": seed} | rivals.accuracies(seed, learned, others, CLASSES, epochs)
        learned, others = ((np.repeat(x[..., 1:2], 3, -1), labels) for x, labels in (learned, others))
        still = rivals.accuracies(seed, learned, others, CLASSES, epochs, (rivals.CONVOLUTIONAL,))
        rows.append(row | {STILL: still[rivals.CONVOLUTIONAL]})
    found = {name: np.array([row[name] for row in rows]) for name in (*rivals.NAMES, STILL)}
    value, low, high = mean_interval(found[rivals.CONVOLUTIONAL] - found[rivals.PARAMETERS])
    came = {
        "advantage, equal parameters": value,
        "advantage, equal products": float((found[rivals.CONVOLUTIONAL] - found[rivals.PRODUCTS]).mean()),
        "accuracy, convolutional": float(found[rivals.CONVOLUTIONAL].mean()),
        "accuracy, still frames": float(found[STILL].mean()),
    }
    effect = Effect("accuracy, convolutional less dense of equal parameters", value, (low, high))
    return Outcome(came, effect, rows, {name: values.tolist() for name, values in found.items()})
