"""C.1.3: how does the time of an update of batch gradient descent grow with the data set?"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

FEATURES, CHUNK, RATE = 64, 256, 0.01
SIZES = (4_096, 16_384, 65_536, 262_144)


@experiment("batch-time", short={"sizes": (512, 2_048), "rounds": 2})
def batch_time(*, sizes: tuple[int, ...] = SIZES, rounds: int = 15) -> Outcome:
    """The shortest of several calls at each size; the sizes alternate, in an order drawn anew for each round."""
    calls, off = {}, []
    for size in sizes:
        calls[size], given = update(size)
        off.append(_off(calls[size](), *given))
    seconds: dict[int, list[float]] = {size: [] for size in sizes}
    order = random.Random(0)
    for _ in range(rounds):
        for size in order.sample(sizes, len(sizes)):
            calls[size]()
            start = time.perf_counter()
            calls[size]()
            seconds[size].append(time.perf_counter() - start)
    least = {size: min(found) for size, found in seconds.items()}
    exponent = float(np.polyfit(np.log(sizes), np.log(list(least.values())), 1)[0])
    rows: list[dict[str, Any]] = [
        {"examples": size, "milliseconds": 1e3 * s, "nanoseconds per example": 1e9 * s / size}
        for size, s in least.items()
    ]
    came = {"exponent of the time": exponent, "update off by": max(off)}
    return Outcome(came, Effect("exponent of the time", exponent, (exponent, exponent)), rows)


def _off(after: Any, weights: Any, state: Any, x: Any, labels: Any) -> float:
    """The difference of what is timed from one step along the mean over all examples at once, as a share of it."""
    x, y, moved = np.asarray(x, np.float64), np.asarray(labels, np.float64), after[0]
    right = RATE * (x.T @ y) / len(x)  # from weights of 0, of the mean of half the squared error
    return float(np.abs(moved["kernel"] - right).max() / np.abs(right).max())


def update(examples: int) -> tuple[Callable[[], Any], tuple]:
    """One compiled update on drawn data, returning when it is done, and what it is given."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.components.optimization import gradient_descent
    from nnspec.training.batch_gradient_descent import batch_gradient

    method, rng = gradient_descent(RATE), np.random.default_rng(examples)
    weights = {"kernel": jnp.zeros((FEATURES, 1)), "bias": jnp.zeros(1)}

    def step(weights: Any, state: Any, x: Any, labels: Any) -> tuple:
        updates, state = method.update(batch_gradient(x, labels, weights, chunk=CHUNK), state, weights)
        return optax.apply_updates(weights, updates), state

    given = (
        weights,
        method.init(weights),
        jnp.asarray(rng.standard_normal((examples, FEATURES), np.float32)),
        jnp.asarray(rng.standard_normal((examples, 1), np.float32)),
    )
    program = jax.jit(step).lower(*given).compile()
    return lambda: jax.block_until_ready(program(*given)), given
