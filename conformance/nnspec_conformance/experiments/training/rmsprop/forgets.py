"""C.4.1: what becomes of the length of a step after many gradients? RMSprop and Adagrad on the same ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

EARLY = slice(90, 110)  # steps 91 to 110
LARGE, SMALL, MORE, AGAIN = 1000, 0.01, 300, 0.9


@experiment("rmsprop-forgets", short={"gradients": 1000, "parameters": 200})
def forgets(*, gradients: int = 10_000, parameters: int = 1000) -> Outcome:
    """Late steps over early ones, and the steps after the gradient has become a hundredth."""
    from nnspec.training.rmsprop import adagrad, rmsprop

    optimizers = {"RMSprop": rmsprop(1.0, epsilon=1e-30), "Adagrad": adagrad(1.0, epsilon=1e-30)}
    drawn = np.random.default_rng(0).standard_normal((gradients, parameters))
    fallen = np.repeat([1.0, SMALL], [LARGE, MORE])[:, None]
    ratios, after, rows = {}, {}, []
    for name, optimizer in optimizers.items():
        lengths = steps(optimizer, drawn)
        early, late = (float(np.sqrt((part**2).mean())) for part in (lengths[EARLY], lengths[-gradients // 10 :]))
        ratios[name], after[name] = late / early, steps(optimizer, fallen)[LARGE:, 0]
        rows.append({"optimizer": name, "early step": early, "late step": late})
    count = int(np.argmax(after["RMSprop"] >= AGAIN)) + 1
    came: dict[str, Any] = {f"late step over early step, {name}": ratio for name, ratio in ratios.items()}
    came |= {"steps until RMSprop steps again": count, "step of Adagrad then": float(after["Adagrad"][count - 1])}
    ratio = ratios["Adagrad"] / ratios["RMSprop"]
    return Outcome(came, Effect("late step over early step, Adagrad's over RMSprop's", ratio, (ratio, ratio)), rows)


def steps(optimizer: Any, gradients: np.ndarray) -> np.ndarray:
    """How far each gradient moves each parameter."""
    import jax
    import jax.numpy as jnp

    def step(state: Any, g: Any) -> tuple:
        updates, state = optimizer.update(g, state)
        return state, jnp.abs(updates)

    grads = jnp.asarray(gradients, jnp.float32)
    return np.asarray(jax.lax.scan(step, optimizer.init(grads[0]), grads)[1], np.float64)
