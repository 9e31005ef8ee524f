"""C.9: what algorithm, rate strategy and regularizer decide, each crossed with each."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.training.classifier import UPDATES, drawing, stacked, trained

HIDDEN, TARGET, TUNED_ON = 64, 0.3, 1_000  # the loss to reach; the first seed of the runs that choose the rates
ALGORITHMS = {  # the largest of the ten rates that each is offered, halved from one to the next
    "gradient descent": 8.0,
    "momentum 0.9": 1.0,
    "Adam": 1 / 8,
}
STRATEGIES = ("constant", "exponential", "cosine")
REGULARIZERS = {"none": (0.0, False), "L2": (1e-3, False), "dropout": (0.0, True)}
CHOICES = ("algorithm", "strategy", "regularizer")


@experiment("training-choices", short={"seeds": 2, "epochs": 2, "tuning": 1, "offered": 6, "draws": 50, "target": 1.0})
def training_choices(
    *, seeds: int = 10, epochs: int = 50, tuning: int = 3, offered: int = 10, draws: int = 1_000, target: float = TARGET
) -> Outcome:
    """All 27 combinations on the same seeds; each algorithm with each strategy at the rate that suits the two best."""
    rates = tuned(epochs, tuning, offered)
    cells = list(itertools.product(ALGORITHMS, STRATEGIES, REGULARIZERS))
    runs = [(*cell, rates[cell[:2]], seed) for cell in cells for seed in range(seeds)]
    test = measured(runs, epochs)["test loss"].reshape(3, 3, 3, seeds, epochs)
    reached = np.where((test <= target).any(-1), (test <= target).argmax(-1) + 1, epochs) * UPDATES
    responses = {"final test loss": np.log(test[..., -1]), "steps": np.log(reached)}
    parts = {name: shares(x) for name, x in responses.items()}
    decided = {name: sum(parts[name].values()) - parts[name]["seed"] - parts[name]["rest"] for name in parts}
    joint = {name: sum(share for of, share in parts[name].items() if " × " in of) for name in parts}
    came = {f"{of}, {name}": parts[name][of] for name in parts for of in CHOICES}
    came |= {f"interactions, {name}": joint[name] for name in parts}
    came |= {f"the three choices, {name}": decided[name] for name in parts}
    came["runs that never get there"] = float((test > target).all(-1).mean())
    best, worst = (np.exp(pick(responses["final test loss"].mean(-1))) for pick in (np.min, np.max))
    came["final test loss, worst over best"] = float(worst / best)
    rows: list[dict[str, Any]] = [
        {"source of variance": of, **{f"share of {name}": parts[name][of] for name in parts}} for of in parts["steps"]
    ]
    of = zip(cells, np.ndindex(3, 3, 3), strict=True)
    series = {
        "cells": [
            dict(zip(CHOICES, cell, strict=True))
            | {"rate": rates[cell[:2]]}
            | {name: float(np.exp(x[at].mean())) for name, x in responses.items()}
            for cell, at in of
        ],
        "target": target,
    }
    low, high = interval(responses["final test loss"], draws)
    effect = Effect("the three choices, final test loss", decided["final test loss"], (low, high))
    return Outcome(came, effect, rows, series)


def shares(values: np.ndarray) -> dict[str, float]:
    """The share of the variance that each choice, each interaction and the seed has; the rest is the seeds' with them.

    The sums of squares of a balanced table: each effect is the mean over all other axes, less the effects within it.

    Args:
        values: by algorithm, strategy, regularizer and seed.
    """
    axes = range(values.ndim)
    effects: dict[tuple[int, ...], np.ndarray] = {}
    for size in range(values.ndim):
        for kept in itertools.combinations(axes, size):
            mean = values.mean(tuple(axis for axis in axes if axis not in kept), keepdims=True)
            within = [effect for part, effect in effects.items() if set(part) < set(kept)]
            effects[kept] = mean - sum(within, np.zeros(1))
    total = ((values - values.mean()) ** 2).sum()
    seed = values.ndim - 1
    found = {
        " × ".join(CHOICES[axis] for axis in kept): float((np.broadcast_to(effect, values.shape) ** 2).sum() / total)
        for kept, effect in effects.items()
        if kept and seed not in kept
    }
    found["seed"] = float((np.broadcast_to(effects[(seed,)], values.shape) ** 2).sum() / total)
    return found | {"rest": 1 - sum(found.values())}


def interval(values: np.ndarray, draws: int) -> tuple[float, float]:
    """Where the share of the three choices lies in 95 % of tables whose seeds are drawn from these, with repetition."""
    random = np.random.default_rng(0)
    parts = [shares(values[..., random.integers(0, values.shape[-1], values.shape[-1])]) for _ in range(draws)]
    low, high = np.quantile([1 - part["seed"] - part["rest"] for part in parts], [0.025, 0.975])
    return float(low), float(high)


def tuned(epochs: int, tuning: int, offered: int) -> dict[tuple[str, str], float]:
    """The rate of each algorithm with each strategy whose loss on the images for it is least, without a regularizer."""
    seeds = range(TUNED_ON, TUNED_ON + tuning)
    pairs = list(itertools.product(ALGORITHMS, STRATEGIES))
    rates = {algorithm: largest * 0.5 ** np.arange(offered) for algorithm, largest in ALGORITHMS.items()}
    runs = [(*pair, "none", rate, seed) for pair in pairs for rate in rates[pair[0]] for seed in seeds]
    losses = measured(runs, epochs)["tuning loss"][:, -1].reshape(len(pairs), offered, tuning).mean(-1)
    at = np.nan_to_num(losses, nan=np.inf).argmin(-1)
    return {pair: float(rates[pair[0]][best]) for pair, best in zip(pairs, at, strict=True)}


def measured(runs: Sequence[tuple[str, str, str, float, int]], epochs: int) -> dict[str, np.ndarray]:
    """Losses and accuracies after each epoch, [runs, epochs], of runs by algorithm, strategy, regularizer, rate, seed.

    All runs are one program, and every call with as many runs is the same one.
    """
    algorithms, strategies, regularizers, rates, seeds = zip(*runs, strict=True)
    shapes = strategies_of(epochs)
    drawn = {seed: drawing(seed, epochs, HIDDEN) for seed in set(seeds)}
    given = np.stack([rate * shapes[strategy] for rate, strategy in zip(rates, strategies, strict=True)])
    strength, drops = (np.array(x) for x in zip(*map(REGULARIZERS.get, regularizers), strict=True))
    which = np.array([list(ALGORITHMS).index(algorithm) for algorithm in algorithms])
    found = program()(
        stacked([drawn[seed] for seed in seeds]), given.astype(np.float32), strength.astype(np.float32), drops, which
    )
    return {name: np.asarray(x, np.float64) for name, x in found.items()}


@functools.cache
def program() -> Any:
    """Many runs side by side."""
    import jax

    from nnspec.components.optimization import gradient_descent
    from nnspec.training.adam import adam
    from nnspec.training.momentum import momentum

    rules = {"gradient descent": gradient_descent, "momentum 0.9": partial(momentum, momentum=0.9), "Adam": adam}
    return jax.jit(jax.vmap(partial(trained, rules=[rules[name] for name in ALGORITHMS])))


def strategies_of(epochs: int) -> dict[str, np.ndarray]:
    """The share of the rate at each step: all; down to a hundredth by one factor a step; to 0 along half a cosine."""
    import jax.numpy as jnp

    from nnspec.training.schedules.decay import cosine_decay, exponential_decay

    total = epochs * UPDATES
    steps = jnp.arange(total)
    shapes = {
        "constant": jnp.ones(total),
        "exponential": exponential_decay(steps, initial=1.0, decay_steps=total, decay_rate=0.01),
        "cosine": cosine_decay(steps, initial=1.0, decay_steps=total, floor=0.0),
    }
    return {strategy: np.asarray(shapes[strategy]) for strategy in STRATEGIES}
