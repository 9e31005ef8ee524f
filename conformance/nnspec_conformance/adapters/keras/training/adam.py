"""``keras.optimizers.Adam``, with ``amsgrad=True``, ``AdamW``, ``Nadam`` and ``Adamax``."""

from __future__ import annotations

import keras

from nnspec_conformance.adapters.keras.steppers import CAST, UNCHECKED, of_any_optimizer, stepper

VARIANTS = {
    "adam.epsilon-position": "hat",
    "amsgrad.maximum": "before-hat",
    "nadam.momentum-schedule": "fast",
    "adamax.epsilon-position": "outside",
}
DEFAULTS = {"adam.epsilon-default": 1.0e-7, "adamw.decay-default": 0.004}

OPERATIONS = ("adam", "amsgrad", "adamw", "nadam", "adamax")
STUCK = (
    "the first step with the default decay rates is 0 in bfloat16 and 0.986 rates in float16, right is 1 rate: "
    "beta_2 is cast to the dtype of the variable, where 0.999 is 1 and 0.99902, and subtracted from 1; "
    "https://github.com/keras-team/keras-hub/issues/2629"
)
ZERO = (
    "a gradient of 0 in float16 gives NaN, right is the parameter as it was: 0.1 times epsilon is 0 in float16, and "
    "0/0 follows (inferred from the source); searched 2026-11-27, not found; "
    "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/adamax.py"
)
OF_ADAM = {
    "optimizer.integer-parameters": (CAST, lambda: keras.backend.backend() == "jax"),
    "adam.beta-range": UNCHECKED,
    "adam.negative-epsilon": UNCHECKED,
}
KNOWN_FAILURES = of_any_optimizer(OPERATIONS, OF_ADAM) | {
    "optimizer.integer-parameters[adamax]": (CAST, lambda: keras.backend.backend() != "torch"),
    "adamw.negative-decay": UNCHECKED,
    "adam.zero-gradients[adamax]": ZERO,
    "adam.half-precision[adam]": STUCK,
    "adam.half-precision[adamw]": STUCK,
}


def _named(beta1=None, beta2=None, epsilon=None):
    """Keras's names of what was told."""
    given = {"beta_1": beta1, "beta_2": beta2, "epsilon": epsilon}
    return {name: value for name, value in given.items() if value is not None}


@stepper
def adam(learning_rate, *, beta1=None, beta2=None, epsilon=None):
    return keras.optimizers.Adam(learning_rate, **_named(beta1, beta2, epsilon))


@stepper
def amsgrad(learning_rate, *, beta1=None, beta2=None, epsilon=None):
    return keras.optimizers.Adam(learning_rate, **_named(beta1, beta2, epsilon), amsgrad=True)


@stepper
def adamw(learning_rate, *, beta1=None, beta2=None, epsilon=None, weight_decay=None):
    decay = {} if weight_decay is None else {"weight_decay": weight_decay}
    return keras.optimizers.AdamW(learning_rate, **_named(beta1, beta2, epsilon), **decay)


@stepper
def nadam(learning_rate, *, beta1=None, beta2=None, epsilon=None):
    return keras.optimizers.Nadam(learning_rate, **_named(beta1, beta2, epsilon))


@stepper
def adamax(learning_rate, *, beta1=None, beta2=None, epsilon=None):
    return keras.optimizers.Adamax(learning_rate, **_named(beta1, beta2, epsilon))
