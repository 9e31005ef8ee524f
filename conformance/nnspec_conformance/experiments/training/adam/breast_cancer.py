"""Logistic regression on the breast-cancer data, with gradient descent and Adam, each at its best rate."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.errors import HarnessError
from nnspec_conformance.experiments.training.adam.runs import trained

RATES = 2.0 ** np.arange(-24, 5)


@functools.cache
def data() -> tuple[np.ndarray, np.ndarray]:
    """Features, as they are, and labels -1 and +1.

    Raises:
        HarnessError: scikit-learn, which has the data, is not installed.
    """
    try:
        from sklearn.datasets import load_breast_cancer
    except ImportError as error:
        raise HarnessError("the breast-cancer data come with scikit-learn; pip install scikit-learn") from error
    found: Any = load_breast_cancer()
    return np.asarray(found.data, np.float64), 2.0 * found.target - 1


def standardized(x: np.ndarray) -> np.ndarray:
    """Every feature with mean 0 and variance 1."""
    return (x - x.mean(0)) / x.std(0)


def at_the_best_rate(x: np.ndarray, y: np.ndarray, steps: int, every: int = 1) -> dict[str, dict[str, Any]]:
    """The least final loss of each optimizer over all rates, or ``every`` so many, with its rate and its weights."""
    found = {}
    for name in ("gradient descent", "Adam"):
        run, (features, labels) = runs(name, steps), [np.asarray(a, np.float32) for a in (np.c_[x, np.ones(len(x))], y)]
        ends = [(*run(features, labels, float(rate)), float(rate)) for rate in RATES[::every]]
        loss, weights, rate = min(ends, key=lambda end: float(end[0]) if np.isfinite(end[0]) else np.inf)
        found[name] = {"loss": float(loss), "rate": rate, "weights": np.asarray(weights)}
    return found


@functools.cache
def runs(name: str, steps: int) -> Callable:
    """The compiled function of features, labels and a rate that gives the final loss and the weights."""
    import jax
    import jax.numpy as jnp

    from nnspec.components.optimization import gradient_descent
    from nnspec.training.adam import adam

    make = {"gradient descent": gradient_descent, "Adam": adam}[name]

    def run(features: Any, labels: Any, rate: Any) -> tuple:
        def loss(w: Any, _: Any = None) -> Any:
            return jnp.logaddexp(0.0, -labels * (features @ w)).mean()

        w = trained(make(rate), loss, jnp.zeros(features.shape[1]), steps)
        return loss(w), w

    return jax.jit(run)


def error(weights: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    """The share of wrong signs."""
    return float(np.mean(np.sign(np.c_[x, np.ones(len(x))] @ weights) != y))
