"""A.9.1, video: which way does a digit move in a clip of three frames, and which of two digits does?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnspec_conformance.experiments.architectures.convolutional import canvas, digits, rivals
from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import mean_interval

OTHERS = 1000
STILL = "convolutional, still frames"


@experiment("moving-digits", short={"seeds": 2, "images": 1000, "epochs": 4})
def moving_digits(seeds: int, *, images: int = 4000, epochs: int = 10) -> Outcome:
    """Accuracies for the direction of a digit."""
    return compared(lambda x, labels, draws: canvas.clips(x, draws), len(canvas.DIRECTIONS), seeds, images, epochs)


@experiment("which-digit-moves", short={"seeds": 2, "images": 2000, "epochs": 6})
def which_digit_moves(seeds: int, *, images: int = 4000, epochs: int = 10) -> Outcome:
    """Accuracies for the class of the one digit of two that moves."""
    return compared(canvas.pairs, 10, seeds, images, epochs)


def compared(clips: Callable, classes: int, seeds: int, images: int, epochs: int) -> Outcome:
    """Accuracies of three networks on clips, and of the first on clips whose frames are all the middle one."""
    rows = []
    for seed in watched(range(seeds), "seeds"):
        draws = np.random.default_rng(2000 + seed)
        learned, others = (clips(*half, draws) for half in digits.halves(seed, images, OTHERS))
        row: dict = {"seed": seed} | rivals.accuracies(seed, learned, others, classes, epochs)
        learned, others = ((np.repeat(x[..., 1:2], 3, -1), labels) for x, labels in (learned, others))
        still = rivals.accuracies(seed, learned, others, classes, epochs, (rivals.CONVOLUTIONAL,))
        rows.append(row | {STILL: still[rivals.CONVOLUTIONAL]})
    found = {name: np.array([row[name] for row in rows]) for name in (*rivals.NAMES, STILL)}
    ahead = {name: found[rivals.CONVOLUTIONAL] - values for name, values in found.items()}
    value, low, high = mean_interval(ahead[rivals.PARAMETERS])
    came = {
        "advantage, equal parameters": value,
        "advantage, equal products": float(ahead[rivals.PRODUCTS].mean()),
        "accuracy, convolutional": float(found[rivals.CONVOLUTIONAL].mean()),
        "accuracy, still frames": float(found[STILL].mean()),
        "moving less still": float(ahead[STILL].mean()),
    }
    effect = Effect("accuracy, convolutional less dense of equal parameters", value, (low, high))
    return Outcome(came, effect, rows, {name: values.tolist() for name, values in found.items()})
