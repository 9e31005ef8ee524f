"""C.5.2: logistic regression on tumours by mini-batches, and how fast the rate decays."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.convergence import data
from nnspec_conformance.experiments.core import Effect, Outcome, experiment

HALVES = (10, 30, 100, 300, 1000, 3000)
RATE, BATCH = 2.0, 8


@experiment("schedule-tuning", short={"seeds": 2, "steps": 20, "halves": (2, 20)})
def schedule_tuning(*, seeds: int = 10, steps: int = 1000, halves: tuple[int, ...] = HALVES) -> Outcome:
    """So many steps for each half-life, from so many orders of the examples."""
    features, labels, _ = data()
    x, y = features.astype(np.float32), ((labels + 1) / 2).astype(np.float32)
    order = np.stack([np.random.default_rng(seed).integers(0, len(y), (steps, BATCH)) for seed in range(seeds)])
    found = {half: np.asarray(trained(half, steps)(x, y, order), np.float64) for half in halves}
    mean = {half: float(losses.mean()) for half, losses in found.items()}
    best = min(mean, key=lambda half: mean[half])
    ratio = max(mean.values()) / mean[best]
    worst = max(mean, key=lambda half: mean[half])
    ratios = (found[worst] / found[best]).tolist()
    came = {
        "largest over least loss": ratio,
        "best half-life": float(best),
        "slowest decay over the best": mean[halves[-1]] / mean[best],
        "fastest decay over the best": mean[halves[0]] / mean[best],
    }
    rows: list[dict[str, Any]] = [
        {"half-life": half, "loss, mean": mean[half], "least": float(one.min()), "largest": float(one.max())}
        for half, one in found.items()
    ]
    return Outcome(came, Effect("largest over least mean loss", ratio, (min(ratios), max(ratios))), rows)


@functools.cache
def trained(half: int, steps: int) -> Callable[..., Any]:
    """Make the training with one half-life, for all orders: the loss over all examples at the end."""
    import jax
    import jax.numpy as jnp

    from nnspec.components.losses.cross_entropy import sigmoid_binary_cross_entropy
    from nnspec.training.schedules.decay import exponential_decay

    rates = exponential_decay(jnp.arange(steps), initial=RATE, decay_steps=half, decay_rate=0.5)

    def loss(w: Any, x: Any, y: Any) -> Any:
        return sigmoid_binary_cross_entropy(x @ w, y).mean()

    @jax.jit
    def run(x: Any, y: Any, order: Any) -> Any:
        def one(order: Any) -> Any:
            def step(w: Any, given: tuple) -> tuple:
                rate, rows = given
                return w - rate * jax.grad(loss)(w, x[rows], y[rows]), None

            return loss(jax.lax.scan(step, jnp.zeros(x.shape[1]), (rates, order))[0], x, y)

        return jax.vmap(one)(order)

    return run
