"""The schedules that the experiments and the figure compare, as the reference gives them, by step."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

HIGH, LOW = 0.2, 0.02
HALF, QUOTIENT = 300, 5  # the half-life of the exponential decays; after so many steps the inverse-time one has halved


def schedules(steps: int) -> dict[str, np.ndarray]:
    """The rate of each of so many steps."""
    import jax

    from nnspec.training.schedules.decay import cosine_decay, exponential_decay, inverse_time_decay

    at: Any = np.arange(steps, dtype=np.int32)
    decays = {
        "exponential": partial(exponential_decay, decay_steps=HALF, decay_rate=0.5),
        "staircase": partial(exponential_decay, decay_steps=HALF, decay_rate=0.5, staircase=True),
        "inverse time": partial(inverse_time_decay, decay_steps=QUOTIENT, decay_rate=1.0),
        "cosine": partial(cosine_decay, decay_steps=steps, floor=0.0),
    }
    with jax.enable_x64(False):
        found = {name: np.asarray(f(at, initial=HIGH), np.float64) for name, f in decays.items()}
    return {f"constant {HIGH}": np.full(steps, HIGH), f"constant {LOW}": np.full(steps, LOW), **found}
