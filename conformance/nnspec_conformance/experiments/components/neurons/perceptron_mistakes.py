"""A.1: how many mistakes a perceptron makes on random separable data, against the bound of Novikoff."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Finding, experiment
from nnspec_conformance.experiments.statistics import mean_interval

COUNT, FEATURES = 200, 20
MARGINS = (0.2, 0.1, 0.05, 0.02, 0.01)
SQUARE = 2.0  # R^2: points on the unit sphere, and the constant input of the bias
LONGEST = 2000  # passes; at the least margin the bound alone allows 20,000 mistakes
PREDICTED = {0.2: "30", 0.01: "250"}
NOTE = (
    "At the margin 0.2 the prediction was wrong, 30 where 13 came: points nearer than that are drawn again, so that "
    "the mean margin is 0.29 there, not the 0.18 of points without a gap, and a mistake gains more. At 0.01, where the "
    "gap hardly matters, it came true. The exponent is in its range, above the 0.7 named."
)


@experiment("perceptron-mistakes", short_seeds=4)
def perceptron_mistakes(seeds: int) -> Finding:
    """Mistakes by margin, their share of the bound, and the exponent with which they grow."""
    made = np.array([[mistakes(seed, margin) for margin in MARGINS] for seed in range(seeds)], np.float64)
    most = SQUARE / np.square(MARGINS)
    rows: list[dict[str, Any]] = []
    for i, margin in enumerate(MARGINS):
        mean, low, high = mean_interval(made[:, i])
        rows.append({
            "margin": margin,
            "bound": most[i],
            "mistakes": mean,
            "interval": f"{low:.0f} to {high:.0f}",
            "largest": int(made[:, i].max()),
            "predicted": PREDICTED.get(margin, "–"),
            "share of the bound": f"{100 * mean / most[i]:.1f} %",
        })  # fmt: skip
    exponents = [-np.polyfit(np.log(MARGINS), np.log(one), 1)[0] for one in made]
    exponent, low, high = mean_interval(exponents)
    effect = Effect("exponent p of mistakes ~ 1/margin^p; the bound has 2", exponent, (low, high))
    outcome = "holds" if (made <= most).all() and high < 2 else "does not hold"
    return Finding(outcome, effect, rows, None, {"margins": MARGINS, "bound": most, "mistakes": made}, NOTE)


def points(seed: int, margin: float) -> tuple[np.ndarray, np.ndarray]:
    """On the unit sphere, at least ``margin`` from a random plane through the origin, and their sides."""
    draws = np.random.default_rng(seed)
    normal = draws.standard_normal(FEATURES)
    normal /= np.linalg.norm(normal)
    x = draws.standard_normal((10 * COUNT, FEATURES))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    x = x[np.abs(x @ normal) >= margin][:COUNT]
    return x.astype(np.float32), np.sign(x @ normal).astype(np.float32)


def mistakes(seed: int, margin: float) -> int:
    """Until a pass has none, on the reference."""
    return int(_learning()(*points(seed, margin)))


@functools.cache
def _learning() -> Callable:
    """All passes as one compiled program."""
    import jax
    import jax.numpy as jnp

    from nnspec.components.neurons import perceptron_update

    def example(carry: Any, one: Any) -> Any:
        weights, bias, count = carry
        new, shifted = perceptron_update(weights, bias, *one)
        return (new, shifted, count + (shifted != bias)), None  # a mistake moves the bias by 1

    @jax.jit
    def learn(x: Any, labels: Any) -> Any:
        def one_pass(state: Any) -> Any:
            weights, bias, before, _, passes = state
            (weights, bias, count), _ = jax.lax.scan(example, (weights, bias, before), (x, labels))
            return weights, bias, count, count > before, passes + 1

        start = (jnp.zeros(FEATURES), jnp.zeros(()), jnp.zeros((), jnp.int32), jnp.asarray(True), 0)
        _, _, count, unfinished, _ = jax.lax.while_loop(lambda s: s[3] & (s[4] < LONGEST), one_pass, start)
        return jnp.where(unfinished, jnp.iinfo(jnp.int32).max, count)  # not ended: above every bound

    return learn
