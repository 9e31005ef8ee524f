"""A.8: how many steps gradient descent, heavy ball and Nesterov's form need on an ill-conditioned quadratic loss."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.oracles.training.momentum import heavy_ball_constants, nesterov_constants

NEAR = 1e-3
METHODS = ("gradient descent", "heavy ball", "Nesterov")


@experiment("momentum-steps", short={"conditions": (10.0, 100.0)})
def momentum_steps(*, conditions: tuple[float, float] = (100.0, 10_000.0)) -> Outcome:
    """Steps until both errors are small, at two condition numbers, and the exponent between them."""
    rows: list[dict[str, Any]] = []
    counts: dict[str, list[int]] = {name: [] for name in METHODS}
    for condition in conditions:
        for name in METHODS:
            counts[name].append(steps_needed(name, condition, limit=int(6 * condition)))
            rows.append({"method": name, "condition number": condition, "steps": counts[name][-1]})
    ratio = conditions[1] / conditions[0]
    came = {f"exponent, {name}": math.log(few[1] / few[0]) / math.log(ratio) for name, few in counts.items()}
    saved = counts["gradient descent"][1] / counts["heavy ball"][1]
    came[f"steps saved by heavy ball at {conditions[1]:.0f}"] = saved
    exponent = came["exponent, heavy ball"]
    return Outcome(came, Effect("exponent of the condition number, heavy ball", exponent, (exponent, exponent)), rows)


def steps_needed(name: str, condition: float, limit: int) -> int:
    """The first step of the reference after which the larger error is at most a thousandth."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.components.optimization import gradient_descent
    from nnspec.training.momentum import momentum, nesterov

    rate, beta, _ = map(float, (heavy_ball_constants if name == "heavy ball" else nesterov_constants)(1.0, condition))
    method = {
        "gradient descent": lambda: gradient_descent(2 / (condition + 1)),
        "heavy ball": lambda: momentum(rate, beta),
        "Nesterov": lambda: nesterov(rate, beta),
    }[name]()
    curvatures = jnp.asarray([1.0, condition])

    def step(carry: Any, _: None) -> tuple[Any, Any]:
        x, state = carry
        updates, state = method.update(curvatures * x, state, x)
        moved: Any = optax.apply_updates(x, updates)
        return (moved, state), jnp.abs(moved).max()

    first = jnp.ones(2)
    errors = np.asarray(jax.lax.scan(step, (first, method.init(first)), None, limit)[1])
    return int(np.argmax(errors <= NEAR)) + 1
