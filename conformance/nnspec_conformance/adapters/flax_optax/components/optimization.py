"""Stock Optax: ``sgd`` with ``add_decayed_weights``, ``MultiSteps``, ``ema``."""

from __future__ import annotations

import jax
import optax

from nnspec_conformance.adapters.jax.steppers import averager, stepper

VARIANTS = {
    "gradient-accumulation.combine": ("mean", "sum"),
    "exponential-average.start": ("debiased", "zero"),
}


@stepper
def gradient_descent(learning_rate, *, weight_decay=0.0, decayed="all"):
    mask = None if decayed == "all" else lambda params: jax.tree.map(lambda p: p.ndim > 1, params)
    descent = optax.sgd(learning_rate)
    return optax.chain(optax.add_decayed_weights(weight_decay, mask), descent) if weight_decay else descent


@stepper
def gradient_accumulation(learning_rate, *, every, combine="mean"):
    steps = optax.MultiSteps(optax.sgd(learning_rate), every, use_grad_mean=combine == "mean")
    return steps.gradient_transformation()


@averager
def exponential_average(*, decay_rate=None, start_rule="debiased"):
    if decay_rate is None:
        raise NotImplementedError("optax.ema has no default decay")
    return optax.ema(decay_rate, debias=start_rule == "debiased")
