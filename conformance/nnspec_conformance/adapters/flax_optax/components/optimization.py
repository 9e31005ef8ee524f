"""Stock Optax: ``sgd`` with ``add_decayed_weights``, ``MultiSteps``, ``ema``."""

from __future__ import annotations

import jax
import optax

from nnspec_conformance.adapters.jax.steppers import BROADCASTS, UNCHECKED, averager, of_any_optimizer, stepper

VARIANTS = {
    "gradient-accumulation.combine": ("mean", "sum"),
    "exponential-average.start": ("debiased", "zero"),
}

EVERY = (
    "every_k_schedule=0 is taken and no step ever comes, right is to refuse it: the number is not checked; "
    "searched 2026-11-27, not found; "
    "https://github.com/google-deepmind/optax/blob/v0.2.8/optax/transforms/_accumulation.py"
)
SINGLE = (
    "float64 gradients are added in float32, right is their own dtype: MultiSteps has accumulator_dtype=float32 by "
    "default; "
    "searched 2026-11-27, not found; "
    "https://github.com/google-deepmind/optax/blob/v0.2.8/optax/transforms/_accumulation.py"
)
KNOWN_FAILURES = of_any_optimizer(["gradient_descent"]) | {
    "duty.broadcasting[gradient_accumulation]": BROADCASTS,
    "duty.broadcasting[exponential_average]": BROADCASTS,
    "gradient-descent.negative-decay": UNCHECKED,
    "gradient-accumulation.every": EVERY,
    "exponential-average.decay-range": UNCHECKED,
    "gradient-accumulation.combine; float64": SINGLE,
    "gradient-accumulation.large-batch; float64": SINGLE,
    "duty.attributes[gradient_accumulation]; float64": SINGLE,
    "duty.sizes[gradient_accumulation]; float64": SINGLE,
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
