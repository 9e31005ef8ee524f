"""``optax.sgd`` with ``momentum`` and ``nesterov``, and ``add_decayed_weights`` before or after ``trace``."""

from __future__ import annotations

import optax

from nnspec_conformance.adapters.jax.steppers import UNCHECKED, of_any_optimizer, stepper

VARIANTS = {"momentum.rate-position": "outside", "momentum.weight-decay": ("gradient", "decoupled")}

KNOWN_FAILURES = of_any_optimizer(("momentum", "nesterov"), {"momentum.range": UNCHECKED}) | {
    "momentum.negative-decay": UNCHECKED,
}


@stepper
def momentum(learning_rate, *, momentum, weight_decay=0.0, decay_position="gradient"):
    if not weight_decay:
        return optax.sgd(learning_rate, momentum)
    decay = optax.add_decayed_weights(weight_decay)
    if decay_position == "gradient":
        return optax.chain(decay, optax.sgd(learning_rate, momentum))
    return optax.chain(optax.trace(momentum), decay, optax.scale_by_learning_rate(learning_rate))


@stepper
def nesterov(learning_rate, *, momentum):
    return optax.sgd(learning_rate, momentum, nesterov=True)
