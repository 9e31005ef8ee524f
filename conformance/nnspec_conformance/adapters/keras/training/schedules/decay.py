"""The schedules of ``keras.optimizers.schedules``."""

from __future__ import annotations

import keras
import numpy as np
from keras.optimizers import schedules

VARIANTS = {"step-decay.boundary": "after", "cosine-decay.floor-is": "fraction"}


def step_decay(steps, boundaries, *, initial, factor):
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
