"""A.6: what a few wrong labels do to a fitted line, by the loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.statistics import mean_interval

SLOPE, INTERCEPT = 2.0, 1.0
OFF = 20.0  # added to the label of an outlier
EVERY = 10  # one label in so many


@experiment("regression-outliers", short={"seeds": 2, "steps": 300, "rate": 0.1})
def regression_outliers(seeds: int, *, examples: int = 200, steps: int = 3000, rate: float = 0.02) -> Outcome:
    """Lines fitted by gradient descent, all seeds at once; short: fewer and longer steps."""
    from nnspec.components.losses import regression

    losses = {
        "squared error": regression.squared_error,
        "absolute error": regression.absolute_error,
        "huber": regression.huber,
    }
    rows, came, series = [], {}, {}
    for name, loss in losses.items():
        for outliers in (True, False):
            x, y = data(seeds, examples, outliers)
            off = np.abs(fitted_intercepts(loss, x, y, steps, rate) - INTERCEPT)
            mean, low, high = mean_interval(off)
            label = name if outliers else f"{name}, no outliers"
            came[f"intercept off, {label}"], series[label] = mean, off
            rows.append({"loss": name, "outliers": "20 of 200" if outliers else "none", "intercept off": mean})
            if label == "squared error":
                effect = Effect("distance of the intercept with the squared error", mean, (low, high), "")
    return Outcome(came, effect, rows, series)


def data(seeds: int, examples: int, outliers: bool) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and labels of each seed, [seed, example]."""
    draws = np.stack([np.random.default_rng(seed).standard_normal((2, examples)) for seed in range(seeds)], 1)
    x, noise = draws
    wrong = (np.arange(examples) % EVERY == 0) & outliers
    return x.astype(np.float32), (SLOPE * x + INTERCEPT + noise + OFF * wrong).astype(np.float32)


def fitted_intercepts(loss: Callable, x: np.ndarray, y: np.ndarray, steps: int, rate: float) -> np.ndarray:
    """The intercept of each seed's line after gradient descent on the mean loss."""
    import jax
    import jax.numpy as jnp

    def cost(line, x, y):
        return loss(line[0] * x + line[1], y, reduction="mean")

    slope = jax.vmap(jax.grad(cost))

    @jax.jit
    def fit(x, y):
        start = jnp.zeros((len(x), 2), jnp.float32)
        return jax.lax.fori_loop(0, steps, lambda _, line: line - rate * slope(line, x, y), start)

    return np.asarray(fit(x, y), np.float64)[:, 1]
