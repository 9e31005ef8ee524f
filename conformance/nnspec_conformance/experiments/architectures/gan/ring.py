"""B.4.1, B.4.2: eight clusters on a ring, and which of them generators come to make samples of, by loss."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.architectures.gan.odds import start
from nnspec_conformance.experiments.core import Effect, Outcome, experiment

CLUSTERS, RADIUS, DEVIATION = 8, 2.0, 0.05
NOISE, BATCH = 8, 128
RATE, BETA1 = 0.0005, 0.5
PENALTY, CRITIC_STEPS = 1.0, 5
ASKED, SHOWN = 2500, 200
LOSSES = {
    "non-saturating": ("logistic", "non-saturating"),
    "minimax": ("logistic", "minimax"),
    "least squares": ("least-squares", "least-squares"),
    "hinge": ("hinge", "hinge"),
    "Wasserstein with penalty": ("wasserstein", "wasserstein"),
}


@experiment("ring-of-gaussians", short={"seeds": 2, "units": 8, "steps": 150, "shown": ("Wasserstein with penalty",)})
def ring_of_gaussians(
    *, seeds: int = 5, units: int = 64, steps: int = 6000, shown: tuple[str, ...] = tuple(LOSSES)
) -> Outcome:
    """So many games of networks with so many units, for each loss."""
    came: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    points: dict[str, Any] = {}
    modes: dict[str, list[float]] = {}
    for name in shown:
        made, right = games(name, units, steps)(seeds)
        covered = [judged(one) for one in made]
        modes[name] = [float(count) for count, _ in covered]
        precision = [share for _, share in covered]
        came |= {f"modes, {name}": float(np.mean(modes[name])), f"precision, {name}": float(np.mean(precision))}
        if name == "non-saturating":
            came["accuracy of the discriminator"] = float(right.mean())
        points[name] = np.round(made[0][:SHOWN], 3).tolist()
        rows.append({
            "loss": name,
            "modes, mean": float(np.mean(modes[name])),
            "fewest": min(modes[name]),
            "most": max(modes[name]),
            "precision, mean": float(np.mean(precision)),
            "discriminator right": float(right.mean()),
        })  # fmt: skip
    last = modes[shown[-1]]
    return Outcome(came, Effect(f"modes, {shown[-1]}", float(np.mean(last)), (min(last), max(last))), rows, points)


def centers() -> np.ndarray:
    angles = 2 * np.pi * np.arange(CLUSTERS) / CLUSTERS
    return RADIUS * np.stack([np.cos(angles), np.sin(angles)], 1)


def judged(samples: np.ndarray) -> tuple[int, float]:
    """How many clusters have at least 1 % of the samples within three deviations, and the share of all that have."""
    away = np.linalg.norm(samples[:, None] - centers(), axis=-1)
    near = away < 3 * DEVIATION
    return int((near.mean(0) >= 0.01).sum()), float(near.any(1).mean())


@functools.cache
def rules(name: str) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """Make a game of one loss: its start, a step that tells how often the discriminator is right, and its samples."""
    import jax
    import jax.numpy as jnp

    from nnspec.architectures.gan import gan_step, players
    from nnspec.architectures.gan_penalized import penalized_gan_step
    from nnspec.components.layers import mlp
    from nnspec.training.adam import adam

    kinds: Any = LOSSES[name]
    optimizers = adam(RATE, beta1=BETA1), adam(RATE, beta1=BETA1)
    middle = jnp.asarray(centers(), jnp.float32)

    def generate(weights: dict, noise: Any) -> Any:
        return mlp(noise, weights, activation="relu")

    def discriminate(weights: dict, x: Any) -> Any:
        return mlp(x, weights, activation="relu")[:, 0]

    def drawn(key: Any) -> Any:
        which, off = jax.random.split(key)
        return middle[jax.random.randint(which, (BATCH,), 0, CLUSTERS)] + DEVIATION * jax.random.normal(off, (BATCH, 2))

    given: Any = {"generate": generate, "discriminate": discriminate, "optimizers": optimizers}

    def with_critic(game: Any, key: Any) -> Any:
        """Several steps of the critic, each with samples and noise of its own, and one of the generator."""
        data, noise, place = jax.random.split(key, 3)
        real = jax.vmap(drawn)(jax.random.split(data, CRITIC_STEPS))
        drawings = jax.random.normal(noise, (CRITIC_STEPS + 1, BATCH, NOISE))
        return penalized_gan_step(game, real, drawings, place, strength=PENALTY, **given)[0]

    def alternating(game: Any, key: Any) -> Any:
        data, *noise = jax.random.split(key, 3)
        drawings = jax.random.normal(noise[0], (BATCH, NOISE)), jax.random.normal(noise[1], (BATCH, NOISE))
        return gan_step(game, drawn(data), drawings, losses=kinds, **given)[0]

    turn = with_critic if kinds[0] == "wasserstein" else alternating

    def play(game: Any, key: Any) -> tuple:
        game = turn(game, key)
        data, noise = jax.random.split(jax.random.fold_in(key, 1))
        fake = generate(game.generator, jax.random.normal(noise, (BATCH, NOISE)))
        threshold = 0.5 if kinds[0] == "least-squares" else 0.0
        logits = discriminate(game.discriminator, drawn(data)), discriminate(game.discriminator, fake)
        return game, ((logits[0] > threshold).mean() + (logits[1] <= threshold).mean()) / 2

    def begin(generator: dict, discriminator: dict) -> Any:
        return players(generator, discriminator, optimizers)

    def made(game: Any, key: Any, count: int) -> Any:
        return generate(game.generator, jax.random.normal(key, (count, NOISE)))

    return begin, play, made


@functools.cache
def games(name: str, units: int, steps: int) -> Callable[[int], tuple[np.ndarray, np.ndarray]]:
    """Make the games of one loss, which give samples of each seed and how often the discriminator is right."""
    import jax

    begin, play, made = rules(name)

    @jax.jit
    @jax.vmap
    def whole(generator: dict, discriminator: dict, key: Any) -> tuple:
        game, right = jax.lax.scan(play, begin(generator, discriminator), jax.random.split(key, steps))
        return made(game, jax.random.fold_in(key, 2), ASKED), right[-1000:].mean()

    def run(seeds: int) -> tuple[np.ndarray, np.ndarray]:
        samples, right = whole(*networks(units, seeds), jax.random.split(jax.random.key(0), seeds))
        return np.asarray(samples), np.asarray(right)

    return run


def networks(units: int, seeds: int) -> list[dict[str, np.ndarray]]:
    """The first weights of the generators of all seeds, and of the discriminators."""
    tables = []
    for inputs, results, offset in ((NOISE, 2, 0), (2, 1, 1000)):
        drawn = [start((inputs, units, units, results), offset + seed) for seed in range(seeds)]
        tables.append({name: np.stack([table[name] for table in drawn]) for name in drawn[0]})
    return tables
