"""C.2.2: how many epochs single examples and the whole data set take to come near the minimum, and whether they do."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.statistics import geometric_interval
from nnspec_conformance.experiments.training.stochastic_gradient_descent import regression

LOOKS = 10  # per epoch
NOISE = 0.1
HUNDREDTH, FAR = 1e-2, 1e-5
LIMIT = 2000  # epochs of the whole data set


@experiment("sgd-progress", short={"seeds": 2, "examples": 200, "epochs": 5})
def progress(seeds: int, *, examples: int = 1000, epochs: int = 60) -> Outcome:
    """Epochs to a hundredth of the excess, and whether a hundred-thousandth is ever reached."""
    x, y = regression.stacked(seeds, examples, NOISE)
    path = regression.single(x, y, regression.orders(seeds, examples, epochs))
    path = path[:, examples // LOOKS - 1 :: examples // LOOKS]
    rows: list[dict[str, Any]] = []
    for seed in range(seeds):
        single = regression.excess(path[seed], x[seed], y[seed])
        whole = regression.excess(regression.whole(x[seed], y[seed], LIMIT), x[seed], y[seed])
        rows.append(
            {
                "seed": seed,
                "epochs to a hundredth, batch": reached(whole, HUNDREDTH),
                "epochs to a hundredth, single examples": reached(single, HUNDREDTH) / LOOKS,
                "epochs to a hundred-thousandth, batch": reached(whole, FAR),
                "least excess, single examples": float(single.min()),
            }
        )
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    batch, alone = columns["epochs to a hundredth, batch"], columns["epochs to a hundredth, single examples"]
    ratio, low, high = geometric_interval(np.divide(batch, alone))
    came = {
        "epochs to a hundredth, batch": float(np.mean(batch)),
        "epochs to a hundredth, single examples": float(np.mean(alone)),
        "batch over single examples, epochs to a hundredth": ratio,
        "epochs to a hundred-thousandth, batch": float(np.mean(columns["epochs to a hundred-thousandth, batch"])),
        "share of runs to a hundred-thousandth, single examples": float(
            np.mean(np.array(columns["least excess, single examples"]) <= FAR)
        ),
    }
    return Outcome(came, Effect("epochs to a hundredth, batch over single examples", ratio, (low, high)), rows)


def reached(excess: np.ndarray, at_most: float) -> float:
    """The number of the first excess that is small enough, from 1; infinity where none is."""
    found = np.flatnonzero(excess <= at_most)
    return float(found[0] + 1) if found.size else float("inf")
