"""The schedules of ``keras.optimizers.schedules`` that warm up, or begin again."""

from __future__ import annotations

import keras
import numpy as np
from keras.optimizers import schedules

VARIANTS = {"warmup-cosine.floor-is": "fraction", "cosine-restarts.floor-is": "fraction"}

SOURCE = (
    "searched 2026-11-28, not found; "
    "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/schedules/learning_rate_schedule.py"
)
KNOWN_FAILURES = {
    "cosine-restarts.large-steps": (
        "of a period of 1,000,003 that doubles the two steps in front of the twelfth cycle have its rate, 0.75, right "
        f"is 0.094: steps are made float32; {SOURCE}"
    ),
    **{
        f"warm-up.ends[{name}]": f"an end above the peak is taken, right is to refuse it: no rate is checked; {SOURCE}"
        for name in ("warmup_cosine", "cosine_restarts")
    },
    "warm-up.negative[warmup_cosine]": f"a warm-up of -1 steps is taken, right is to refuse it; {SOURCE}",
}


def each(schedule, steps):
    """Ask for the rate of one step at a time, which is all it has with a warm-up."""
    asked = np.asarray(keras.ops.convert_to_numpy(steps))
    one, where = np.unique(asked, return_inverse=True)
    found = [keras.ops.convert_to_numpy(schedule(keras.ops.convert_to_tensor(t))) for t in one]
    return keras.ops.convert_to_tensor(np.array(found, np.float32)[where].reshape(asked.shape))


def warmup_cosine(steps, *, start, peak, warmup_steps, decay_steps, floor):
    schedule = schedules.CosineDecay(start, decay_steps, alpha=floor, warmup_target=peak, warmup_steps=warmup_steps)
    return each(schedule, steps)


def cosine_restarts(steps, *, initial, period, multiplier, shrink=None, floor):
    given = {} if shrink is None else {"m_mul": shrink}
    return schedules.CosineDecayRestarts(initial, period, t_mul=float(multiplier), alpha=floor, **given)(steps)
