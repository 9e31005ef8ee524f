"""C.3.2: does the batch size matter, and for what? Each size with its own best rate."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.training.mini_batch_gradient_descent.runs import (
    EXAMPLES,
    first_update,
    losses,
    seconds_of_an_update,
)

SIZES = (1, 4, 16, 64, EXAMPLES)
RATES = tuple(2.0**k for k in range(-8, 3))


@experiment("mini-batch-size", short={"seeds": 1, "sizes": (16, 512), "rates": (0.5, 1.0), "updates": 60, "rounds": 1})
def mini_batch_size(
    *,
    seeds: int = 5,
    sizes: tuple[int, ...] = SIZES,
    rates: tuple[float, ...] = RATES,
    updates: int = 2_000,
    rounds: int = 7,
) -> Outcome:
    """Updates, epochs and seconds to the target by batch size."""
    needed, best = {}, {}
    for size in watched(sizes, "mini-batch-size"):
        median = np.median(first_update(losses(size, rates, seeds, updates)), axis=1)  # [rates]
        needed[size], best[size] = float(median.min()), rates[int(median.argmin())]
    cost = seconds_of_an_update(sizes, updates, rounds)
    epochs = {size: n * size / EXAMPLES for size, n in needed.items()}
    seconds = {size: n * cost[size] for size, n in needed.items()}
    small, large = sizes[0], sizes[-1]
    came = {
        f"updates, {small} over {large}": needed[small] / needed[large],
        f"epochs, {large} over {small}": epochs[large] / epochs[small],
        "seconds, worst size over best": max(seconds.values()) / min(seconds.values()),
        f"best rate, {large} over {small}": best[large] / best[small],
        "best size by seconds": min(seconds, key=lambda size: seconds[size]),
    }
    rows: list[dict[str, Any]] = [
        {
            "batch": size,
            "best rate": best[size],
            "updates": needed[size],
            "epochs": epochs[size],
            "microseconds an update": 1e6 * cost[size],
            "milliseconds": 1e3 * seconds[size],
        }
        for size in sizes
    ]
    ratio = came["seconds, worst size over best"]
    return Outcome(came, Effect("seconds, worst size over best", ratio, (ratio, ratio)), rows)
