"""A.8: does RMSprop arrive at the minimum of a convex loss? With a constant rate, with a falling one, and Adagrad."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

RATE, FALLING = 0.01, 0.1
CURVATURES = (1.0, 100.0)


@experiment("rmsprop-arrives", short={"starts": 20, "steps": 1500})
def arrives(*, starts: int = 200, steps: int = 4000) -> Outcome:
    """The largest distance of any parameter from the minimum, in units of the constant rate."""
    import jax.numpy as jnp

    from nnspec.training.rmsprop import adagrad, rmsprop

    optimizers = {
        "RMSprop": rmsprop(RATE, epsilon=1e-30),
        "RMSprop with a falling rate": rmsprop(lambda count: FALLING / jnp.sqrt(count + 1.0), epsilon=1e-30),
        "Adagrad": adagrad(1.0, epsilon=1e-30),
    }
    first = np.random.default_rng(0).uniform(-3, 3, (starts, 2)).astype(np.float32)
    ends = {name: np.abs(last(optimizer, first, steps)) / RATE for name, optimizer in optimizers.items()}
    came = {f"distance, {name}": float(end.max()) for name, end in ends.items()}
    rows: list[dict[str, Any]] = [
        {"optimizer": name, "curvature": curvature, "largest distance": float(end[:, i].max()),
         "smallest distance": float(end[:, i].min())}
        for name, end in ends.items() for i, curvature in enumerate(CURVATURES)
    ]  # fmt: skip
    effect = came["distance, RMSprop"]
    return Outcome(came, Effect("distance of RMSprop with a constant rate, in rates", effect, (effect, effect)), rows)


def last(optimizer: Any, first: np.ndarray, steps: int) -> np.ndarray:
    """The places after the last step, of all starts at once."""
    import jax
    import jax.numpy as jnp
    import optax

    curvatures = jnp.asarray(CURVATURES)

    def step(carry: Any, _: None) -> tuple[Any, None]:
        x, state = carry
        updates, state = optimizer.update(curvatures * x, state, x)
        return (optax.apply_updates(x, updates), state), None

    x = jnp.asarray(first)
    return np.asarray(jax.lax.scan(step, (x, optimizer.init(x)), None, steps)[0][0], np.float64)
