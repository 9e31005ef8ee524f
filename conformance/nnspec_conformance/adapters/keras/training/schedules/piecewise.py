"""``PiecewiseConstantDecay``, and ``keras.optimizers.SGD`` with a schedule."""

from __future__ import annotations

import keras
import numpy as np
from keras.optimizers import schedules

VARIANTS = {"piecewise-constant.boundary": "after"}
SOURCE = (
    "searched 2026-11-29, not found; "
    "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/schedules/learning_rate_schedule.py"
)
KNOWN_FAILURES = {
    "piecewise-constant.single": (
        f"without a boundary it raises IndexError, right is the one rate: it asks for the first boundary; {SOURCE}"
    ),
    "piecewise-constant.order": (
        f"boundaries that fall are taken, right is to refuse them: no order is checked; {SOURCE}"
    ),
    "piecewise.negative[piecewise_constant]": (
        f"a rate of -0.75 is taken, right is to refuse it: no rate is checked; {SOURCE}"
    ),
}


def piecewise_constant(steps, rates, *, boundaries):
    values = np.asarray(keras.ops.convert_to_numpy(rates)).tolist()
    schedule = schedules.PiecewiseConstantDecay(list(boundaries), values)
    asked = np.asarray(keras.ops.convert_to_numpy(steps))
    each, where = np.unique(asked, return_inverse=True)  # on PyTorch it takes one step at a time
    found = [keras.ops.convert_to_numpy(schedule(keras.ops.convert_to_tensor(t))) for t in each]
    return keras.ops.convert_to_tensor(np.array(found, np.float32)[where].reshape(asked.shape))


class Table(schedules.LearningRateSchedule):
    """The rates of a table."""

    def __init__(self, rates):
        self.rates = rates

    def __call__(self, step):
        return keras.ops.take(self.rates, step)


def scheduled_descent(gradients, rates, *, resume_at=None):
    def fresh():
        optimizer = keras.optimizers.SGD(learning_rate=Table(rates))  # pyright: ignore[reportArgumentType]
        optimizer.build([w])
        return optimizer

    w, found = keras.Variable(0.0, dtype="float32"), []
    optimizer = fresh()
    for k, g in enumerate(gradients):
        if k == resume_at:
            kept = {}
            optimizer.save_own_variables(kept)
            optimizer = fresh()
            optimizer.load_own_variables(kept)
        optimizer.apply([g], [w])
        found.append(np.asarray(keras.ops.convert_to_numpy(w)).item())
    return keras.ops.convert_to_tensor(np.array(found, np.float32))
