"""The schedules of ``keras.optimizers.schedules``."""

from __future__ import annotations

import keras
import numpy as np
from keras.optimizers import schedules

VARIANTS = {"step-decay.boundary": "after", "cosine-decay.floor-is": "fraction"}
KNOWN_FAILURES = {
    **{
        f"decay.large-steps[{name}]": (
            "steps and length are divided in float32, so that the first stair of 16,777,217 steps is one step short, "
            "right is that it begins at its step; searched 2026-11-29, not found; "
            "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/schedules/learning_rate_schedule.py"
        )
        for name in ("exponential_decay", "inverse_time_decay")
    },
    **{
        f"decay.ends[{name}]": (
            "an end above the initial rate is taken, right is to refuse it: no rate is checked; "
            "https://github.com/keras-team/keras/issues/18747"
        )
        for name in ("polynomial_decay", "cosine_decay")
    },
    **{
        f"decay.factors[{name}]": (
            f"{given} is taken, right is to refuse it: no range is checked; searched 2026-11-29, not found; "
            "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/schedules/learning_rate_schedule.py"
        )
        for name, given in {
            "exponential_decay": "a decay_rate of 1.5 and of -0.5",
            "inverse_time_decay": "a decay_rate of -0.5",
            "polynomial_decay": "a power of -1",
        }.items()
    },
}


def step_decay(steps, boundaries, *, initial, factor):
    if not 0 <= factor <= 1:
        raise NotImplementedError("it takes the rate of each piece, and no factor")
    at = sorted(int(b) for b in np.asarray(keras.ops.convert_to_numpy(boundaries)))
    values = [initial * factor**k for k in range(len(at) + 1)]
    schedule, asked = schedules.PiecewiseConstantDecay(at, values), np.asarray(keras.ops.convert_to_numpy(steps))
    each, where = np.unique(asked, return_inverse=True)  # on PyTorch it takes one step at a time
    found = [keras.ops.convert_to_numpy(schedule(keras.ops.convert_to_tensor(t))) for t in each]
    return keras.ops.convert_to_tensor(np.array(found, np.float32)[where].reshape(asked.shape))


def exponential_decay(steps, *, initial, decay_steps, decay_rate, **given):
    return schedules.ExponentialDecay(initial, decay_steps, decay_rate, **given)(steps)


def inverse_time_decay(steps, *, initial, decay_steps, decay_rate, **given):
    return schedules.InverseTimeDecay(initial, decay_steps, decay_rate, **given)(steps)


def polynomial_decay(steps, *, initial, end, decay_steps, power):
    return schedules.PolynomialDecay(initial, decay_steps, end, power)(steps)


def cosine_decay(steps, *, initial, decay_steps, floor):
    return schedules.CosineDecay(initial, decay_steps, alpha=floor)(steps)
