"""B.4.3: a discriminator that learns from two known densities, beside the rule that knows both."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

REAL, MADE = (0.0, 1.0), (1.0, 0.5)  # mean and deviation
RATE = 0.002
SEEN = np.linspace(-1, 2.5, 141)


@experiment("discriminator-odds", short={"seeds": 2, "units": 8, "steps": 150, "batch": 32, "asked": 500})
def discriminator_odds(
    *, seeds: int = 5, units: int = 32, steps: int = 3000, batch: int = 256, asked: int = 20_000
) -> Outcome:
    """So many discriminators of two hidden layers of so many units learn for so many steps."""
    shares, offs, curves = [], [], []
    for seed in range(seeds):
        rng = np.random.default_rng(1000 + seed)
        fresh = [mean + deviation * rng.standard_normal(asked) for mean, deviation in (REAL, MADE)]
        told = learned(units, steps, batch)(seed)
        curves.append(told(SEEN))
        shares.append(accuracy(told, *fresh) / accuracy(odds, *fresh))
        offs.append(float(np.sqrt(np.mean((curves[-1] - odds(SEEN)) ** 2))))
    came = {"accuracy over that of the best rule": float(np.mean(shares)), "logit off by": float(np.mean(offs))}
    effect = Effect("accuracy over that of the best rule", float(np.mean(shares)), (min(shares), max(shares)))
    rows: list[dict[str, Any]] = [
        {"seed": seed, "accuracy over that of the best rule": share, "logit off by": off}
        for seed, (share, off) in enumerate(zip(shares, offs, strict=True))
    ]
    return Outcome(came, effect, rows, {"learned": np.mean(curves, 0).tolist(), "log p/q": odds(SEEN).tolist()})


def odds(x: np.ndarray) -> np.ndarray:
    """The logarithm of the density of real samples over that of made ones."""
    (m, s), (n, t) = REAL, MADE
    return np.log(t / s) - ((x - m) / s) ** 2 / 2 + ((x - n) / t) ** 2 / 2


def accuracy(told: Callable[[np.ndarray], np.ndarray], real: np.ndarray, made: np.ndarray) -> float:
    """The share of samples whose logit has the right sign."""
    return float(((told(real) > 0).mean() + (told(made) <= 0).mean()) / 2)


@functools.cache
def learned(units: int, steps: int, batch: int) -> Callable[[int], Callable[[np.ndarray], np.ndarray]]:
    """Make the training of a discriminator, which gives its logits by point."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.architectures.gan import discriminator_loss
    from nnspec.components.layers import mlp
    from nnspec.training.adam import adam

    optimizer = adam(RATE)

    def logits(weights: dict, x: Any) -> Any:
        return mlp(x[:, None], weights, activation="tanh")[:, 0]

    def loss(weights: dict, key: Any) -> Any:
        draws = zip(jax.random.split(key), (REAL, MADE), strict=True)
        real, made = (mean + deviation * jax.random.normal(k, (batch,)) for k, (mean, deviation) in draws)
        return discriminator_loss(logits(weights, real), logits(weights, made), kind="logistic").mean()

    def update(carry: tuple, key: Any) -> tuple:
        weights, state = carry
        change, state = optimizer.update(jax.grad(loss)(weights, key), state, weights)
        return (optax.apply_updates(weights, change), state), None

    @jax.jit
    def train(weights: dict, key: Any) -> dict:
        return jax.lax.scan(update, (weights, optimizer.init(weights)), jax.random.split(key, steps))[0][0]

    ask = jax.jit(logits)

    def one(seed: int) -> Callable[[np.ndarray], np.ndarray]:
        weights = train(start((1, units, units, 1), seed), jax.random.key(seed))
        return lambda x: np.asarray(ask(weights, jnp.asarray(x, jnp.float32)), np.float64)

    return one


def start(widths: tuple[int, ...], seed: int) -> dict[str, np.ndarray]:
    """A new network: kernels of variance 2 over their inputs, but 1 for the last, biases zero."""
    rng, found = np.random.default_rng(seed), {}
    for i, (n, m) in enumerate(itertools.pairwise(widths)):
        gain = 1 if i == len(widths) - 2 else 2
        found[f"kernel_{i}"] = (rng.standard_normal((n, m)) * (gain / n) ** 0.5).astype(np.float32)
        found[f"bias_{i}"] = np.zeros(m, np.float32)
    return found
