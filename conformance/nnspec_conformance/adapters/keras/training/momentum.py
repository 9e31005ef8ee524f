"""``keras.optimizers.SGD`` with ``momentum`` and ``nesterov``."""

from __future__ import annotations

import keras

from nnspec_conformance.adapters.keras.steppers import UNCHECKED, of_any_optimizer, stepper

VARIANTS = {"momentum.rate-position": "inside", "momentum.weight-decay": "decoupled"}

RANGE = (
    "a momentum of 1 steps and so does NaN, right is to refuse both: the check is momentum < 0 or momentum > 1; "
    "searched 2026-11-27, not found; https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/sgd.py"
)
KNOWN_FAILURES = of_any_optimizer(("momentum", "nesterov"), {"momentum.range": RANGE}) | {
    "momentum.negative-decay": UNCHECKED,
}


@stepper
def momentum(learning_rate, *, momentum, weight_decay=None):
    return keras.optimizers.SGD(learning_rate, momentum, weight_decay=weight_decay)


@stepper
def nesterov(learning_rate, *, momentum):
    return keras.optimizers.SGD(learning_rate, momentum, nesterov=True)
