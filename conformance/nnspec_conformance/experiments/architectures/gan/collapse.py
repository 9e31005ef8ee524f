"""B.4.1, B.4.2: when generators fall back to few clusters, and how often their discriminators are right meanwhile."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.architectures.gan.ring import CLUSTERS, DEVIATION, LOSSES, centers, networks, rules
from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched

LOOK, ASKED = 100, 1000
LATE = 10  # looks at the end that are averaged
EFFECT = "time to collapse, non-saturating"


@experiment("ring-collapse", short={"seeds": 2, "looks": 2, "shown": ("non-saturating",)})
def ring_collapse(
    *, seeds: int = 3, units: int = 64, looks: int = 30, look: int = LOOK, shown: tuple[str, ...] = tuple(LOSSES)
) -> Outcome:
    """So many games for each loss, looked at so many times, after so many steps each."""
    came: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    series: dict[str, Any] = {"steps": [look * (i + 1) for i in range(looks)]}
    effect = Effect(EFFECT, np.nan, (np.nan, np.nan))
    for name in watched(shown, "ring-collapse"):
        covered, right = games(name, units, looks, look)(seeds)
        times = [collapsed(one, look) for one in covered]
        fell = sum(time < look * looks for time in times)
        came |= {f"time to collapse, {name}": float(np.mean(times)), f"collapsed, {name}": fell / seeds}
        series[f"modes, {name}"] = covered.mean(0).tolist()
        if LOSSES[name][0] != "wasserstein":  # a critic's logit of 0 means nothing
            came[f"discriminator right, {name}"] = float(right[:, -LATE:].mean())
            series[f"right, {name}"] = right.mean(0).tolist()
        if f"time to collapse, {name}" == EFFECT:
            effect = Effect(EFFECT, float(np.mean(times)), (min(times), max(times)), "steps")
        rows.append({
            "loss": name,
            "collapsed": f"{fell} of {seeds}",
            "time to collapse, mean": float(np.mean(times)),
            "most modes, mean": float(covered.max(1).mean()),
            "modes at the end, mean": float(covered[:, -LATE:].mean()),
            "discriminator right at first": float(right[:, :LATE].mean()),
            "at the end": float(right[:, -LATE:].mean()),
        })  # fmt: skip
    return Outcome(came, effect, rows, series)


def collapsed(covered: np.ndarray, look: int) -> float:
    """The step of the first look with at most half of the clusters of an earlier one; that of the last where none has.

    A generator that never covered two clusters has not collapsed: it had nothing to fall back from.
    """
    most = np.maximum.accumulate(covered)
    fallen = (most >= 2) & (2 * covered <= most)
    return float(look * (fallen.argmax() + 1 if fallen.any() else len(covered)))


@functools.cache
def games(name: str, units: int, looks: int, look: int) -> Callable[[int], tuple[np.ndarray, np.ndarray]]:
    """Make the games of one loss, which give at each look of each seed the clusters covered, and how often it is right.

    A cluster is covered where at least 1 % of the samples lie within three deviations.
    """
    import jax
    import jax.numpy as jnp

    begin, play, made = rules(name)
    middle = jnp.asarray(centers(), jnp.float32)

    @jax.jit
    @jax.vmap
    def whole(generator: dict, discriminator: dict, key: Any) -> tuple:
        asked = jax.random.fold_in(key, 2)

        def stretch(game: Any, keys: Any) -> tuple:
            game, right = jax.lax.scan(play, game, keys)
            away = jnp.linalg.norm(made(game, asked, ASKED)[:, None] - middle, axis=-1)
            return game, (((away < 3 * DEVIATION).mean(0) >= 0.01).sum(), right.mean())

        keys = jax.random.split(key, looks * look).reshape(looks, look)
        return jax.lax.scan(stretch, begin(generator, discriminator), keys)[1]

    def run(seeds: int) -> tuple[np.ndarray, np.ndarray]:
        covered, right = whole(*networks(units, seeds), jax.random.split(jax.random.key(0), seeds))
        assert covered.max() <= CLUSTERS
        return np.asarray(covered, float), np.asarray(right, float)

    return run
