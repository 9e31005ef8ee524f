"""A linear regression, and the paths on it: single examples in the sampler's order, and the gradient of all of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

VARIANCES = np.geomspace(1.0, 0.01, 10)  # of the features
RATE = 0.05


def data(seed: int, examples: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Features [examples, 10] and labels, the sum of the features and noise."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((examples, 10)) * np.sqrt(VARIANCES)
    return x.astype(np.float32), (x.sum(1) + noise * random.standard_normal(examples)).astype(np.float32)


def hessian(x: np.ndarray) -> np.ndarray:
    """The second derivatives of half the mean squared error."""
    wide = np.asarray(x, np.float64)
    return wide.T @ wide / len(x)


def excess(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The loss less the least one, in units of that at zero, for each row of weights."""
    best, h = np.linalg.lstsq(np.float64(x), np.float64(y), rcond=None)[0], hessian(x)
    error = np.float64(w) - best
    return np.einsum("...i,ij,...j", error, h, error) / (best @ h @ best)


def single(x: np.ndarray, y: np.ndarray, orders: np.ndarray, rates: Any = RATE) -> np.ndarray:
    """The weights after each update of the reference on one example, from zero.

    Args:
        x: features, [seeds, examples, 10].
        y: labels, [seeds, examples].
        orders: the numbers of the examples, [seeds, updates].
        rates: of every update, or one for all.

    Returns:
        Weights, [seeds, updates, 10].
    """
    given = np.broadcast_to(np.asarray(rates, np.float32), orders.shape[1:])
    return np.asarray(_single()(x, y, orders, given))


@functools.cache
def _single() -> Callable:
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.components.optimization import gradient_descent

    def path(x: Any, y: Any, numbers: Any, rates: Any) -> Any:
        def update(carry: tuple, given: tuple) -> tuple:
            (w, state), (number, rate) = carry, given
            g = (x[number] @ w - y[number]) * x[number]
            updates, state = gradient_descent(rate).update(g, state, w)
            w = optax.apply_updates(w, updates)
            return (w, state), w

        first = jnp.zeros(x.shape[-1])
        return jax.lax.scan(update, (first, gradient_descent(0.0).init(first)), (numbers, rates))[1]

    return jax.jit(jax.vmap(path, in_axes=(0, 0, 0, None)))


def whole(x: np.ndarray, y: np.ndarray, epochs: int) -> np.ndarray:
    """The weights after each epoch of the reference on the gradient of all examples, with the best constant rate."""
    h = hessian(x)
    curvatures = np.linalg.eigvalsh(h)
    slope = np.asarray(x, np.float64).T @ np.asarray(y, np.float64) / len(x)
    given = (np.float32(h), np.float32(slope), np.float32(2 / (curvatures[0] + curvatures[-1])))
    return np.asarray(_whole(epochs)(*given))


@functools.cache
def _whole(epochs: int) -> Callable:
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.components.optimization import gradient_descent

    def path(h: Any, slope: Any, rate: Any) -> Any:
        descent = gradient_descent(rate)

        def update(carry: tuple, _: None) -> tuple:
            w, state = carry
            updates, state = descent.update(h @ w - slope, state, w)
            w = optax.apply_updates(w, updates)
            return (w, state), w

        first = jnp.zeros(len(slope))
        return jax.lax.scan(update, (first, descent.init(first)), None, epochs)[1]

    return jax.jit(path)


def orders(seeds: int, examples: int, epochs: int) -> np.ndarray:
    """The reference's numbers of the examples, one at a time, [seeds, epochs * examples]."""
    from nnspec.training.stochastic_gradient_descent import batches

    given: dict[str, Any] = {"examples": examples, "batch_size": 1, "epochs": epochs}
    return np.array([np.asarray(batches(**given, seed=seed)).ravel() for seed in range(seeds)])


def stacked(seeds: int, examples: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """The data of every seed."""
    xs, ys = zip(*(data(seed, examples, noise) for seed in range(seeds)), strict=True)
    return np.array(xs), np.array(ys)
