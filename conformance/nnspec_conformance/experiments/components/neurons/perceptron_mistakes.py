"""A.1: how many mistakes a perceptron makes on random separable data, against the bound of Novikoff."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import mean_interval

FEATURES = 20
MARGINS = (0.2, 0.1, 0.05, 0.02, 0.01)
SQUARE = 2.0  # R^2: points on the unit sphere, and the constant input of the bias
LONGEST = 2000  # passes; at the least margin the bound alone allows 20,000 mistakes
NOTE = (
    "At the margin 0.2 the prediction was wrong, 30 where 13 came: points nearer than that are drawn again, so that "
    "the mean margin is 0.32 there, not the 0.18 of points without a gap, and a mistake gains more. At 0.01, where the "
    "gap hardly matters, it came true. The mistakes follow no power law: from one margin to the next the exponent "
    "falls from 1.3 to 0.5, and the 0.98 of a line through all five says nothing about other margins."
)


@experiment("perceptron-mistakes", short={"seeds": 2, "count": 40})
def perceptron_mistakes(seeds: int, *, count: int = 200) -> Outcome:
    """Mistakes on ``count`` points by margin, their share of the bound, and how they grow as the margin shrinks."""
    made, near = np.empty((seeds, len(MARGINS))), np.empty((seeds, len(MARGINS)))
    for seed in watched(range(seeds), "perceptron-mistakes"):
        for i, margin in enumerate(MARGINS):
            x, labels, distance = points(seed, margin, count)
            made[seed, i], near[seed, i] = mistakes(x, labels), distance.mean()
    most = SQUARE / np.square(MARGINS)
    local = -np.diff(np.log(made.mean(axis=0))) / np.diff(np.log(MARGINS))
    rows: list[dict[str, Any]] = []
    for i, margin in enumerate(MARGINS):
        mean, low, high = mean_interval(made[:, i])
        rows.append({
            "margin": margin,
            "mean margin": near[:, i].mean(),
            "bound": most[i],
            "mistakes": mean,
            "interval": f"{low:.0f} to {high:.0f}",
            "largest": int(made[:, i].max()),
            "share of the bound": f"{100 * mean / most[i]:.1f} %",
            "exponent to the next margin": local[i] if i < len(local) else None,
        })  # fmt: skip
    exponents = [-np.polyfit(np.log(MARGINS), np.log(one), 1)[0] for one in made]
    share, low, high = mean_interval(made[:, -1] / most[-1])
    effect = Effect(f"mistakes at the margin {MARGINS[-1]} / bound", share, (low, high))
    came = {
        "largest share of the bound": (made / most).max(),
        f"share of the bound at {MARGINS[-1]}": share,
        **{f"mistakes at {margin}": made[:, i].mean() for i, margin in enumerate(MARGINS)},
        "exponent fitted to all margins": float(np.mean(exponents)),
        "exponent from one margin to the next, largest": local.max(),
        "exponent from one margin to the next, least": local.min(),
    }
    series = {"margins": MARGINS, "bound": most, "mistakes": made, "exponents": local}
    return Outcome(came, effect, rows, series, NOTE)


def points(seed: int, margin: float, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points of the unit sphere, at least ``margin`` from a random plane through 0; their sides and distances."""
    draws = np.random.default_rng(seed)
    normal = draws.standard_normal(FEATURES)
    normal /= np.linalg.norm(normal)
    x = draws.standard_normal((10 * count, FEATURES))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    x = x[np.abs(x @ normal) >= margin][:count]
    return x.astype(np.float32), np.sign(x @ normal).astype(np.float32), np.abs(x @ normal)


def mistakes(x: np.ndarray, labels: np.ndarray) -> int:
    """The mistakes until a pass has none, on the reference."""
    return int(_learning()(x, labels))


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
