"""``optax.adam``, ``amsgrad``, ``adamw``, ``nadam`` and ``adamax``."""

from __future__ import annotations

import optax

from nnspec_conformance.adapters.jax.steppers import UNCHECKED, of_any_optimizer, stepper

VARIANTS = {
    "adam.epsilon-position": ("outside", "inside"),
    "amsgrad.maximum": ("after", "paper"),
    "nadam.momentum-schedule": "constant",
    "adamax.epsilon-position": "maximum",
}
DEFAULTS = {"adamw.decay-default": 1.0e-4}

OPERATIONS = ("adam", "amsgrad", "adamw", "nadam", "adamax")
ZERO = (
    "a gradient of 0 in float16 gives NaN, right is the parameter as it was: epsilon 1e-8 is added in float16, where "
    "it is 0, and 0/0 follows; https://github.com/google-deepmind/optax/issues/1754"
)
OF_ADAM = {"adam.beta-range": UNCHECKED, "adam.negative-epsilon": UNCHECKED, "adam.zero-gradients": ZERO}
KNOWN_FAILURES = of_any_optimizer(OPERATIONS, OF_ADAM) | {
    "adam.negative-l2": UNCHECKED,
    "adamw.negative-decay": UNCHECKED,
}


def _named(beta1=None, beta2=None, epsilon=None, epsilon_position="outside"):
    """Optax's names of what was told; an epsilon inside the root has a name of its own."""
    if epsilon is None and epsilon_position == "inside":
        raise NotImplementedError("eps_root is 0 where it is left out: there is no epsilon inside the root")
    given = {"b1": beta1, "b2": beta2, "eps" if epsilon_position == "outside" else "eps_root": epsilon}
    if epsilon_position == "inside":
        given["eps"] = 0.0
    return {name: value for name, value in given.items() if value is not None}


@stepper
def adam(learning_rate, *, beta1=None, beta2=None, epsilon=None, l2=0.0, epsilon_position="outside"):
    rule = optax.adam(learning_rate, **_named(beta1, beta2, epsilon, epsilon_position))
    return optax.chain(optax.add_decayed_weights(l2), rule) if l2 else rule


@stepper
def amsgrad(learning_rate, *, beta1=None, beta2=None, epsilon=None, maximum="after"):
    corrected = {"bias_correction_mu": maximum == "after", "bias_correction_nu": maximum == "after"}
    return optax.amsgrad(learning_rate, **_named(beta1, beta2, epsilon), **corrected)


@stepper
def adamw(learning_rate, *, beta1=None, beta2=None, epsilon=None, weight_decay=None, epsilon_position="outside"):
    decay = {} if weight_decay is None else {"weight_decay": weight_decay}
    return optax.adamw(learning_rate, **_named(beta1, beta2, epsilon, epsilon_position), **decay)


@stepper
def nadam(learning_rate, *, beta1=None, beta2=None, epsilon=None):
    return optax.nadam(learning_rate, **_named(beta1, beta2, epsilon))


@stepper
def adamax(learning_rate, *, beta1=None, beta2=None, epsilon=None):
    return optax.adamax(learning_rate, **_named(beta1, beta2, epsilon))
