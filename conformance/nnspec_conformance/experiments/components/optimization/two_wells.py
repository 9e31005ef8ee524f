"""A.8: does gradient descent converge to the optimal solution? A loss with two wells, and one with a single well."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import mean_interval

TILT, RATE, NEAR = 0.1, 0.25, 1e-3
REACH = 1.5  # starts lie within it on both sides of 0
QUADRATIC = {"two wells": -1.0, "one well": 1.0}  # coefficient of x in the derivative x^3 + q x + TILT


@experiment("two-wells", short={"seeds": 2, "starts": 100})
def two_wells(seeds: int, *, starts: int = 1000, steps: int = 400) -> Outcome:
    """Shares of the starts that reach the deepest point, and that end where the slope is zero."""
    shares: dict[str, list[float]] = {name: [] for name in QUADRATIC}
    flat: list[float] = []
    for seed in watched(range(seeds), "two-wells"):
        first = np.random.default_rng(seed).uniform(-REACH, REACH, starts).astype(np.float32)
        for name, q in QUADRATIC.items():
            last = np.asarray(run(first, q, steps), np.float64)
            roots = np.roots([1.0, 0.0, q, TILT])
            real = roots.real[np.abs(roots.imag) < 1e-9]
            deepest = real[np.argmin(real**4 / 4 + q * real**2 / 2 + TILT * real)]
            shares[name].append(float(np.mean(np.abs(last - deepest) < NEAR)))
            flat.append(float(np.mean(np.abs(last**3 + q * last + TILT) < NEAR)))
    rows: list[dict[str, Any]] = []
    for name, values in shares.items():
        mean, low, high = mean_interval(values)
        rows.append(
            {"loss": name, "share that reaches the deepest point": mean, "interval": f"{low:.4f} to {high:.4f}"}
        )
    share, low, high = mean_interval(shares["two wells"])
    came = {
        "share that reaches the deepest point": share,
        "share that ends where the slope is zero": float(np.min(flat)),
        "share that reaches the deepest point, one well": float(np.mean(shares["one well"])),
    }
    return Outcome(came, Effect("share of starts that reach the deepest point", share, (low, high)), rows)


def run(first: np.ndarray, q: float, steps: int) -> Any:
    """Where each start is after all steps of the reference's gradient descent."""
    import jax
    import optax

    from nnspec.components.optimization import gradient_descent

    descent = gradient_descent(RATE)

    def step(carry: Any, _: None) -> tuple[Any, None]:
        x, state = carry
        updates, state = descent.update(x**3 + q * x + TILT, state, x)
        return (optax.apply_updates(x, updates), state), None

    x = jax.numpy.asarray(first)
    return jax.lax.scan(step, (x, descent.init(x)), None, steps)[0][0]
