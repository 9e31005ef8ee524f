"""``keras.optimizers.SGD`` with ``momentum`` and ``nesterov``."""

from __future__ import annotations

import keras

from nnspec_conformance.adapters.keras.steppers import stepper

VARIANTS = {"momentum.rate-position": "inside", "momentum.weight-decay": "decoupled"}

BASE = "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/base_optimizer.py"
BROADCASTS = (
    "a gradient of one entry is taken for every entry of its variable, right is to refuse it: the step is assigned "
    f"after broadcasting; searched 2026-11-27, not found; {BASE}"
)
UNCHECKED = (
    "the number is used as it is, right is to refuse it: no range of a hyper-parameter is checked; "
    f"searched 2026-11-27, not found; {BASE}"
)
RANGE = (
    "a momentum of 1 steps and so does NaN, right is to refuse both: the check is momentum < 0 or momentum > 1; "
    "searched 2026-11-27, not found; https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/sgd.py"
)
CAST = (
    "integer variables step and are cut off to integers, right is to refuse them; "
    f"searched 2026-11-27, not found; {BASE}"
)
EMPTY = (
    "an empty list of gradients is a step that does nothing, right is to refuse it; "
    f"searched 2026-11-27, not found; {BASE}"
)
KNOWN_FAILURES = {
    f"{clause}[{operation}]": reason
    for operation in ("momentum", "nesterov")
    for clause, reason in (
        ("optimizer.gradients-of-others", BROADCASTS),
        ("optimizer.negative-rate", UNCHECKED),
        ("optimizer.nan-rate", UNCHECKED),
        ("optimizer.integer-parameters", (CAST, lambda: keras.backend.backend() != "torch")),
        ("optimizer.no-parameters", EMPTY),
        ("momentum.range", RANGE),
    )
} | {"momentum.negative-decay": UNCHECKED}


@stepper
def momentum(learning_rate, *, momentum, weight_decay=None):
    return keras.optimizers.SGD(learning_rate, momentum, weight_decay=weight_decay)


@stepper
def nesterov(learning_rate, *, momentum):
    return keras.optimizers.SGD(learning_rate, momentum, nesterov=True)
