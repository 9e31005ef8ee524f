"""A.6: which prediction a loss asks for, where the labels of one input differ."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

SHARE = 0.3  # of the label 1; the others are 0


@experiment("regression-minimizer", short={"step": 0.01, "short": True})
def regression_minimizer(*, step: float = 0.0001, short: bool = False) -> Outcome:
    """The grid's prediction of least expected loss; nothing is drawn. Short: two losses on a coarse grid."""
    import jax
    import jax.numpy as jnp

    grid = np.arange(1, round(1 / step)) * step
    rows, came = [], {}
    with jax.enable_x64(True):
        x, zero, one = jnp.asarray(grid), jnp.zeros(grid.size), jnp.ones(grid.size)
        for name, loss in losses().items():
            if short and name not in ("squared error", "absolute error"):
                continue
            expected = np.asarray((1 - SHARE) * loss(x, zero) + SHARE * loss(x, one))
            at = int(expected.argmin())
            came[f"minimizer, {name}"] = float(grid[at])
            rows.append({"loss": name, "minimizer": float(grid[at]), "expected loss": float(expected[at])})
    mean = came["minimizer, squared error"]
    return Outcome(came, Effect("prediction of least expected squared error", mean, (mean, mean), ""), rows, {})


def losses() -> dict[str, Callable]:
    """Each as a function of predictions and targets."""
    import jax.numpy as jnp

    from nnspec.components.losses import regression

    return {
        "squared error": regression.squared_error,
        "absolute error": regression.absolute_error,
        "huber 1": lambda x, y: regression.huber(x, y, delta=1.0),
        "huber 1/4": lambda x, y: regression.huber(x, y, delta=0.25),
        "gaussian": lambda x, y: regression.gaussian_nll(x, y, jnp.full_like(x, SHARE * (1 - SHARE))),
        "poisson": regression.poisson_nll_from_rate,
    }
