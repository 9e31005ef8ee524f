"""A.8: a loss with one minimum on which heavy ball with its best constants goes round for ever."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

NEAR, LAST = 1e-3, 30


@experiment("heavy-ball-cycle", short={"starts": 7, "steps": 300})
def heavy_ball_cycle(*, starts: int = 61, steps: int = 1000) -> Outcome:
    """Shares of the starts from which each method converges."""
    from nnspec.components.optimization import gradient_descent
    from nnspec.training.momentum import momentum, nesterov

    methods = {
        "heavy ball": momentum(1 / 9, 4 / 9),
        "gradient descent": gradient_descent(1 / 13),
        "Nesterov": nesterov(1 / 25, 2 / 3),
    }
    first = np.linspace(3.1, 3.4, starts, dtype=np.float32)
    places = {name: np.abs(run(method, first, steps)[-LAST:]) for name, method in methods.items()}
    came = {f"share that converges, {name}": float((x.max(0) < NEAR).mean()) for name, x in places.items()}
    came["nearest place of heavy ball"] = float(places["heavy ball"].min())
    rows: list[dict[str, Any]] = [
        {"method": name, "nearest of the last places": float(x.min()), "farthest": float(x.max())}
        for name, x in places.items()
    ]
    share = came["share that converges, heavy ball"]
    return Outcome(came, Effect("share of starts from which heavy ball converges", share, (share, share)), rows)


def run(method: Any, first: np.ndarray, steps: int) -> np.ndarray:
    """The places after each step, of all starts at once."""
    import jax
    import jax.numpy as jnp
    import optax

    def slope(x: Any) -> Any:
        return jnp.where(x < 1, 25 * x, jnp.where(x < 2, x + 24, 25 * x - 24))

    def step(carry: Any, _: None) -> tuple[Any, Any]:
        x, state = carry
        updates, state = method.update(slope(x), state, x)
        x = optax.apply_updates(x, updates)
        return (x, state), x

    x = jnp.asarray(first)
    return np.asarray(jax.lax.scan(step, (x, method.init(x)), None, steps)[1])
