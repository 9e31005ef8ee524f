"""``optax.rmsprop``, with ``centered=True``, and ``adagrad``."""

from __future__ import annotations

import optax

from nnspec_conformance.adapters.jax.steppers import UNCHECKED, of_any_optimizer, stepper

VARIANTS = {
    "rmsprop.epsilon-position": ("outside", "inside"),
    "rmsprop.start": ("zero", "one"),
    "rmsprop.rate-position": "inside",
    "adagrad.epsilon-position": "inside",
}
DEFAULTS = {"adagrad.epsilon-default": 1.0e-7, "adagrad.accumulator-default": 0.1}

ZERO = (
    "a gradient of 0 in float16 gives NaN, right is the parameter as it was: epsilon 1e-8 is added in float16, where "
    "it is 0, and 0/0 follows; https://github.com/google-deepmind/optax/issues/1754"
)
ROUNDING = (
    "after 60 equal gradients 49 of 200 parameters are NaN, that of the gradient -0.114895 among them, right is a "
    "finite number: scale_by_stddev takes the root of nu - mu^2, which rounding makes negative; searched 2026-11-27, "
    "not found; https://github.com/google-deepmind/optax/blob/v0.2.8/optax/_src/transform.py"
)
KNOWN_FAILURES = of_any_optimizer(
    ("rmsprop", "centred_rmsprop", "adagrad"), {"rmsprop.negative-epsilon": UNCHECKED}
) | {
    "rmsprop.decay-range[rmsprop]": UNCHECKED,
    "rmsprop.decay-range[centred_rmsprop]": UNCHECKED,
    "rmsprop.momentum-range[rmsprop]": UNCHECKED,
    "rmsprop.momentum-range[centred_rmsprop]": UNCHECKED,
    "rmsprop.negative-l2": UNCHECKED,
    "adagrad.negative-accumulator": UNCHECKED,
    "rmsprop.zero-gradients[rmsprop]; start_rule=zero": ZERO,
    "rmsprop.zero-gradients[centred_rmsprop]; start_rule=zero": ZERO,
    "centred-rmsprop.rounding": ROUNDING,
}


def _named(decay_rate=None, epsilon=None, momentum=None, epsilon_position=None, start_rule=None):
    """Optax's names of what was told."""
    given = {
        "decay": decay_rate,
        "eps": epsilon,
        "momentum": momentum,
        "eps_in_sqrt": None if epsilon_position is None else epsilon_position == "inside",
        "initial_scale": None if start_rule is None else {"zero": 0.0, "one": 1.0}[start_rule],
    }
    return {name: value for name, value in given.items() if value is not None}


@stepper
def rmsprop(
    learning_rate, *, decay_rate=None, epsilon=None, momentum=None, l2=None, epsilon_position=None, start_rule=None
):
    rule = optax.rmsprop(learning_rate, **_named(decay_rate, epsilon, momentum, epsilon_position, start_rule))
    return optax.chain(optax.add_decayed_weights(l2), rule) if l2 else rule


@stepper
def centred_rmsprop(
    learning_rate, *, decay_rate=None, epsilon=None, momentum=None, epsilon_position=None, start_rule=None
):
    given = _named(decay_rate, epsilon, momentum, epsilon_position, start_rule)
    return optax.rmsprop(learning_rate, **given, centered=True)


@stepper
def adagrad(learning_rate, *, epsilon=None, initial_accumulator=None):
    given = {} if initial_accumulator is None else {"initial_accumulator_value": initial_accumulator}
    return optax.adagrad(learning_rate, **_named(epsilon=epsilon), **given)
