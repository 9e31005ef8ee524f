"""``optax.sgd`` with ``momentum`` and ``nesterov``, and ``add_decayed_weights`` before or after ``trace``."""

from __future__ import annotations

import optax

from nnspec_conformance.adapters.jax.steppers import stepper

VARIANTS = {"momentum.rate-position": "outside", "momentum.weight-decay": ("gradient", "decoupled")}

BROADCASTS = (
    "a gradient of one entry is taken for every entry, right is to refuse it: apply_updates adds by the rules of "
    "broadcasting; searched 2026-11-27, not found; "
    "https://github.com/google-deepmind/optax/blob/v0.2.8/optax/_src/update.py"
)
UNCHECKED = (
    "the number is used as it is, right is to refuse it: no range of a hyper-parameter is checked; "
    "searched 2026-11-27, not found; https://github.com/google-deepmind/optax/blob/v0.2.8/optax/_src/alias.py"
)
CAST = (
    "integer parameters step and are cut off, right is to refuse them: apply_updates casts to the dtype of the "
    "parameter; searched 2026-11-27, not found; "
    "https://github.com/google-deepmind/optax/blob/v0.2.8/optax/_src/update.py"
)
EMPTY = (
    "a tree without arrays steps, right is to refuse it: every transformation maps over the tree; "
    "searched 2026-11-27, not found; https://github.com/google-deepmind/optax/blob/v0.2.8/optax/_src/update.py"
)
KNOWN_FAILURES = {
    f"{clause}[{operation}]": reason
    for operation in ("momentum", "nesterov")
    for clause, reason in (
        ("optimizer.gradients-of-others", BROADCASTS),
        ("optimizer.negative-rate", UNCHECKED),
        ("optimizer.nan-rate", UNCHECKED),
        ("optimizer.integer-parameters", CAST),
        ("optimizer.no-parameters", EMPTY),
        ("momentum.range", UNCHECKED),
    )
} | {"momentum.negative-decay": UNCHECKED}


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
