"""Gradient descent on a weight that is applied 21 times, with and without clipping, from both sides of the minimum."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

TIMES = 21  # how often the weight is applied
NEAR = 1e-3
LIMIT = 1.0
METHODS = ("clipped", "not clipped")
NOTE = "One start reaches the minimum with the small rate: 1.5, for which the rate was made. The prediction missed it."


@experiment("clipping-exploding", short={"every": 7, "steps": 600})
def exploding(*, every: int = 1, steps: int = 1000) -> Outcome:
    """Shares of the starts from which each method reaches the minimum, 1."""
    above = np.linspace(1.01, 1.5, 50, dtype=np.float32)[::every]
    below = np.linspace(0.5, 0.99, 50, dtype=np.float32)[::every]
    rate = 1 / TIMES**2  # one over the curvature at the minimum
    small = 0.5 / slope(1.5)  # the first step from 1.5 ends at the minimum
    came: dict[str, float] = {}
    for method in METHODS:
        came[f"share from above, {method}"] = share(above, rate, steps, method)
        came[f"share from below, {method}"] = share(below, rate, steps, method)
    came["share from above, small rate"] = share(above, small, steps, "not clipped")
    came["share from below, clipped less not clipped"] = (
        came["share from below, clipped"] - came["share from below, not clipped"]
    )
    rows: list[dict[str, Any]] = [
        {"gradient": method, "share from above": came[f"share from above, {method}"],
         "share from below": came[f"share from below, {method}"]}
        for method in METHODS
    ]  # fmt: skip
    gained = came["share from above, clipped"] - came["share from above, not clipped"]
    effect = Effect("share of starts above the minimum that clipping gains", gained, (gained, gained))
    return Outcome(came, effect, rows, note=NOTE)


def slope(w: Any) -> Any:
    """The gradient of (w^21 - 1)^2 / 2."""
    return TIMES * w ** (TIMES - 1) * (w**TIMES - 1)


def share(starts: np.ndarray, rate: float, steps: int, method: str) -> float:
    """The share of starts whose weight is at the minimum after these steps, each start by itself."""
    import jax
    import jax.numpy as jnp

    from nnspec.training.gradient_clipping import clip_by_global_norm

    def step(w: Any, _: None) -> tuple[Any, None]:
        gradients = {"w": slope(w)}
        if method == "clipped":
            gradients = clip_by_global_norm(gradients, limit=LIMIT)
        return w - rate * gradients["w"], None

    last = jax.vmap(lambda w: jax.lax.scan(step, w, None, steps)[0])(jnp.asarray(starts))
    return float(np.mean(np.abs(np.asarray(last) - 1) < NEAR))
