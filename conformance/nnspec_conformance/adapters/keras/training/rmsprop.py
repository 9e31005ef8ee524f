"""``keras.optimizers.RMSprop``, with ``centered=True``, and ``Adagrad``."""

from __future__ import annotations

import keras

from nnspec_conformance.adapters.keras.steppers import BROADCASTS, CAST, UNCHECKED, of_any_optimizer, stepper

VARIANTS = {
    "rmsprop.epsilon-position": "inside",
    "rmsprop.start": "zero",
    "rmsprop.rate-position": "inside",
    "adagrad.epsilon-position": "inside",
}
DEFAULTS = {
    "rmsprop.epsilon-default": 1.0e-7,
    "adagrad.epsilon-default": 1.0e-7,
    "adagrad.accumulator-default": 0.1,
}

RHO = (
    "rho=1 and rho=1.5 step, momentum=1 steps and a negative one counts as none, right is to refuse them; "
    "https://github.com/keras-team/keras/pull/23676"
)
ACCUMULATOR = (
    "initial_accumulator_value=-0.25 steps, right is to refuse it; https://github.com/keras-team/keras/pull/23624"
)
ZERO = (
    "a gradient of 0 in float16 gives NaN, right is the parameter as it was: epsilon is added in float16, where 1e-8 "
    "is 0, and 0/0 follows; searched 2026-11-27, not found for Keras, the same in Optax is "
    "https://github.com/google-deepmind/optax/issues/1754"
)
ROUNDING = (
    "after 60 equal gradients parameters are NaN, 28 of 200 on JAX and 55 on PyTorch, that of the gradient 0.365438 "
    "among them, right is a finite number: the root is taken of velocity - average_grad^2 + epsilon, which rounding "
    "makes negative; searched 2026-11-27, not found for Keras, the same in MXNet was "
    "https://github.com/apache/mxnet/pull/6235"
)
KNOWN_FAILURES = of_any_optimizer(
    ("rmsprop", "centred_rmsprop", "adagrad"), {"rmsprop.negative-epsilon": UNCHECKED, "rmsprop.zero-gradients": ZERO}
) | {
    "optimizer.gradients-of-others[adagrad]": (BROADCASTS, lambda: keras.backend.backend() != "tensorflow"),
    "optimizer.integer-parameters[centred_rmsprop]": (CAST, lambda: keras.backend.backend() == "jax"),
    "rmsprop.decay-range[rmsprop]": RHO,
    "rmsprop.decay-range[centred_rmsprop]": RHO,
    "rmsprop.momentum-range[rmsprop]": RHO,
    "rmsprop.momentum-range[centred_rmsprop]": RHO,
    "rmsprop.negative-decay": UNCHECKED,
    "adagrad.negative-accumulator": ACCUMULATOR,
    "centred-rmsprop.rounding": ROUNDING,
}


def _named(decay_rate=None, epsilon=None, momentum=None, weight_decay=None):
    """Keras's names of what was told."""
    given = {"rho": decay_rate, "epsilon": epsilon, "momentum": momentum, "weight_decay": weight_decay}
    return {name: value for name, value in given.items() if value is not None}


@stepper
def rmsprop(learning_rate, *, decay_rate=None, epsilon=None, momentum=None, weight_decay=None):
    return keras.optimizers.RMSprop(learning_rate, **_named(decay_rate, epsilon, momentum, weight_decay))


@stepper
def centred_rmsprop(learning_rate, *, decay_rate=None, epsilon=None, momentum=None):
    return keras.optimizers.RMSprop(learning_rate, **_named(decay_rate, epsilon, momentum), centered=True)


@stepper
def adagrad(learning_rate, *, epsilon=None, initial_accumulator=None):
    given = {} if initial_accumulator is None else {"initial_accumulator_value": initial_accumulator}
    return keras.optimizers.Adagrad(learning_rate, **_named(epsilon=epsilon), **given)
