"""What both experiments share: logistic regression by mini-batches, and the time of an update."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnspec_conformance.experiments.training.adam.breast_cancer import data, standardized

EXAMPLES = 512
TARGET = 0.1  # the loss that a run has to reach


@functools.cache
def examples() -> tuple[np.ndarray, np.ndarray]:
    """Standardized features with a 1, and labels -1 and +1, of 512 examples in a random order."""
    x, y = data()
    kept = np.random.default_rng(0).permutation(len(x))[:EXAMPLES]
    return np.c_[standardized(x[kept]), np.ones(EXAMPLES)].astype(np.float32), y[kept].astype(np.float32)


def batches(seed: int, size: int, updates: int) -> np.ndarray:
    """The indices of each update; in each epoch every example once, in a new order."""
    rng = np.random.default_rng(seed)
    epochs = -(-updates * size // EXAMPLES)
    order = np.concatenate([rng.permutation(EXAMPLES) for _ in range(epochs)])
    return order[: updates * size].reshape(updates, size).astype(np.int32)


def loss(weights: Any, x: Any, y: Any) -> Any:
    """The mean logistic loss."""
    import jax.numpy as jnp

    return jnp.logaddexp(0.0, -y * (x @ weights)).mean()


def trained(rate: Any, indices: Any, *, watched: bool) -> Any:
    """The loss of all examples after each update, or the last weights if nobody watches."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.components.optimization import gradient_descent

    x, y = map(jnp.asarray, examples())
    method = gradient_descent(rate)

    def step(carry: Any, batch: Any) -> tuple:
        weights, state = carry
        updates, state = method.update(jax.grad(loss)(weights, x[batch], y[batch]), state, weights)
        moved = optax.apply_updates(weights, updates)
        return (moved, state), loss(moved, x, y) if watched else None

    start = jnp.zeros(x.shape[1])
    (last, _), losses = jax.lax.scan(step, (start, method.init(start)), indices)
    return losses if watched else last


def losses(size: int, rates: Sequence[float], seeds: int, updates: int) -> np.ndarray:
    """The loss after each update: [rates, seeds, updates]."""
    import jax
    import jax.numpy as jnp

    indices = jnp.asarray(np.stack([batches(seed, size, updates) for seed in range(seeds)]))
    run = functools.partial(trained, watched=True)
    over_rates = jax.vmap(jax.vmap(run, (None, 0)), (0, None))
    return np.asarray(jax.jit(over_rates)(jnp.asarray(rates, jnp.float32), indices))


def seconds_of_an_update(sizes: Sequence[int], updates: int, rounds: int = 7) -> dict[int, float]:
    """The shortest time of one update in a compiled loop, by batch size; the sizes take turns."""
    calls = {size: timed(size, updates) for size in sizes}
    found: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(rounds):
        for size, call in calls.items():
            call()
            start = time.perf_counter()
            call()
            found[size].append((time.perf_counter() - start) / updates)
    return {size: min(times) for size, times in found.items()}


def timed(size: int, updates: int) -> Callable[[], Any]:
    """A compiled run without the evaluation of the loss, returning when it is done."""
    import jax
    import jax.numpy as jnp

    run = jax.jit(functools.partial(trained, watched=False))
    given = jnp.float32(1 / 16), jnp.asarray(batches(0, size, updates))
    return lambda: jax.block_until_ready(run(*given))


def first_update(found: np.ndarray, otherwise: float = np.inf) -> np.ndarray:
    """The number of the first update after which the loss is at most the target, along the last axis."""
    reached = found <= TARGET
    return np.where(reached.any(-1), reached.argmax(-1) + 1.0, otherwise)
