"""C.3.1: is mini-batch gradient descent faster than batch gradient descent, and steadier than single examples?"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.training.mini_batch_gradient_descent.runs import (
    EXAMPLES,
    first_update,
    losses,
    seconds_of_an_update,
)

SIZES = (1, 32, EXAMPLES)
RATE = 1 / 16
EARLY, LATE = 16, 320  # updates


@experiment("mini-batch-progress", short={"seeds": 3, "updates": 24, "late": 20, "rounds": 1})
def mini_batch_progress(*, seeds: int = 40, updates: int = 640, late: int = LATE, rounds: int = 7) -> Outcome:
    """The same runs counted in updates, epochs and seconds."""
    single, mini, batch = SIZES
    found = {size: losses(size, [RATE], seeds, updates)[0] for size in SIZES}  # [seeds, updates]
    mean = {size: of.mean(0) for size, of in found.items()}
    cost = seconds_of_an_update(SIZES, updates, rounds)
    reached = {size: float(first_update(mean[size])) for size in SIZES}
    spread = {size: float(of[:, late - 1].std(ddof=1)) for size, of in found.items()}
    came = {
        "loss after 16 updates, 32 over 512": float(mean[mini][EARLY - 1] / mean[batch][EARLY - 1]),
        "loss after one epoch, 32 over 512": float(mean[mini][EXAMPLES // mini - 1] / mean[batch][0]),
        "seconds to a loss of 0.1, 512 over 32": reached[batch] * cost[batch] / (reached[mini] * cost[mini]),
        "spread over the seeds, 32 over 1": spread[mini] / spread[single],
    }
    rows: list[dict[str, Any]] = [
        {
            "batch": size,
            "updates to a loss of 0.1": reached[size],
            "epochs": reached[size] * size / EXAMPLES,
            "microseconds an update": 1e6 * cost[size],
            "milliseconds to a loss of 0.1": 1e3 * reached[size] * cost[size],
            f"spread after {late} updates": spread[size],
        }
        for size in SIZES
    ]
    at = np.unique(np.geomspace(1, updates, 40).round().astype(int))
    series = {
        "updates": at,
        "loss": {str(size): mean[size][at - 1] for size in SIZES},
        "seconds an update": {str(size): cost[size] for size in SIZES},
        "examples": EXAMPLES,
    }
    ratio = came["seconds to a loss of 0.1, 512 over 32"]
    return Outcome(came, Effect("seconds to a loss of 0.1, 512 over 32", ratio, (ratio, ratio)), rows, series)
