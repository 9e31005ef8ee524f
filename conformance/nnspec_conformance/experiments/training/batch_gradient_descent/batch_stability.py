"""C.1.2: does batch gradient descent converge stably? Least squares on real data, below and above the largest rate."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.training.adam.breast_cancer import data, standardized

BELOW, ABOVE = 1.9, 2.1  # rates, in units of 1/L
GROWING = 100  # steps above the largest rate
HUBER_RATE, HUBER_STEPS, LAST = 2.25, 200, 50


@experiment("batch-stability", short={"steps": 100, "starts": 20})
def batch_stability(*, steps: int = 2_000, starts: int = 200) -> Outcome:
    """The loss along two paths, and the places on a loss with bounded slopes."""
    x, y = data()
    x = np.c_[standardized(x), np.ones(len(x))]
    products = x.T @ x / len(x)
    lipschitz = float(np.linalg.eigvalsh(products)[-1])
    minimum = np.linalg.solve(products, x.T @ y / len(x))

    def excess(path: np.ndarray) -> np.ndarray:
        """The loss over its minimum, without the cancellation of a difference."""
        errors = path - minimum
        return np.einsum("ti,ij,tj->t", errors, products, errors) / 2

    start = np.zeros(x.shape[1])
    runs = {rate: excess(path(start, rate / lipschitz, count, products, minimum)) for rate, count in counts(steps)}
    places = np.abs(on_huber(np.linspace(2.0, 40.0, starts)))[-LAST:]
    came = {
        "share of steps that lower the loss, 1.9/L": float((np.diff(runs[BELOW]) < 0).mean()),
        "excess loss over that at the start, 1.9/L": float(runs[BELOW][-1] / runs[BELOW][0]),
        "excess loss over that at the start, 2.1/L": float(runs[ABOVE][-1] / runs[ABOVE][0]),
        "largest place on the Huber loss, 2.25/L": float(places.max()),
    }
    rows: list[dict[str, Any]] = [
        {"rate": f"{rate:g}/L", "steps": len(run) - 1, "excess loss over that at the start": float(run[-1] / run[0])}
        for rate, run in runs.items()
    ]
    share = came["share of steps that lower the loss, 1.9/L"]
    return Outcome(came, Effect("share of steps that lower the loss, 1.9/L", share, (share, share)), rows)


def counts(steps: int) -> tuple[tuple[float, int], ...]:
    return (BELOW, steps), (ABOVE, GROWING)


def path(start: np.ndarray, rate: float, steps: int, products: np.ndarray, minimum: np.ndarray) -> np.ndarray:
    """The start and the weights after each step of the reference, in float64."""
    return descended(start, rate, steps, lambda w: products @ (w - minimum))


def on_huber(start: np.ndarray) -> np.ndarray:
    """The places of all starts after each step, in units of tau."""
    import jax.numpy as jnp

    return descended(start, HUBER_RATE, HUBER_STEPS, lambda x: jnp.clip(x, -1.0, 1.0))


def descended(start: np.ndarray, rate: float, steps: int, slope: Any) -> np.ndarray:
    """The start and the places after each step of the reference's gradient descent, in float64."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.components.optimization import gradient_descent

    with jax.enable_x64(True):
        method = gradient_descent(rate)

        def step(carry: Any, _: None) -> tuple[Any, Any]:
            x, state = carry
            updates, state = method.update(slope(x), state, x)
            moved = optax.apply_updates(x, updates)
            return (moved, state), moved

        first = jnp.asarray(start, jnp.float64)
        found = jax.lax.scan(step, (first, method.init(first)), None, steps)[1]
        return np.concatenate([np.asarray(first)[None], np.asarray(found)])
