"""Which steps on an L1 penalty end at zero exactly."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

GOAL = np.array([2.0, -3.0, 0.4, -0.35, 0.3, -0.25, 0.2, -0.15, 0.1, -0.05], np.float32)
STRENGTH, RATE = 0.5, 0.3


@experiment("penalty-zeros", short={"steps": 50})
def penalty_zeros(*, steps: int = 200) -> Outcome:
    """Proximal steps and gradient steps from the same start."""
    import jax
    import jax.numpy as jnp

    from nnspec.training.regularization import l1_penalty, soft_threshold

    goal = jnp.asarray(GOAL)
    slope = jax.grad(lambda x: jnp.sum((x - goal) ** 2) / 2 + l1_penalty(x, strength=STRENGTH))
    rules = {
        "proximal": lambda x: soft_threshold(x - RATE * (x - goal), threshold=RATE * STRENGTH),
        "gradient": lambda x: x - RATE * slope(x),
    }
    ends = {
        name: np.asarray(jax.lax.fori_loop(0, steps, lambda _, x, rule=rule: rule(x), goal), np.float64)
        for name, rule in rules.items()
    }
    zeros = {name: float(np.sum(x == 0)) for name, x in ends.items()}
    came = {f"exact zeros, {name}": n for name, n in zeros.items()}
    came["largest error of the others, proximal"] = float(np.abs(ends["proximal"][:2] - [1.5, -2.5]).max())
    rows: list[dict[str, Any]] = [
        {"step": name, "exact zeros": zeros[name], "largest of the eight": float(np.abs(x[2:]).max())}
        for name, x in ends.items()
    ]
    gained = zeros["proximal"] - zeros["gradient"]
    return Outcome(came, Effect("exact zeros that the proximal step gains", gained, (gained, gained)), rows)
