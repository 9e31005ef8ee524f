"""B.4.2: what digits a convolutional pair comes to make, as a classifier of real ones sees them; are they copies?"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.architectures.gan.odds import start
from nnspec_conformance.experiments.components.layers.hidden_features import digits
from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched

TRAINED = 1200  # images; the others are new to pair and classifier
SIDE, CLASSES = 8, 10
NOISE, BATCH, HIDDEN = 16, 32, 64
RATE, BETA1 = 0.001, 0.5
ASKED, SHOWN, LOOKS = 2000, 10, 4
RARE = 0.02  # a kind has at least this share of the made images
NEAR = 0.01  # this share of new digits lies nearer to a learned one than a copy may
SHORT = {"seeds": 2, "maps": (3, 2), "steps": 60, "judged_after": 100}


@experiment("generated-digits", short=SHORT)
def generated_digits(
    *, seeds: int = 3, maps: tuple[int, int] = (32, 16), steps: int = 2000, judged_after: int = 1500
) -> Outcome:
    """So many games, each with a split of its own and a classifier that learns for so many steps."""
    x, labels = digits()
    x = 2 * x - 1
    orders = np.stack([np.random.default_rng(seed).permutation(len(x)) for seed in range(seeds)])
    data, told = x[orders], labels[orders]
    judge = classifiers(judged_after)(data, told)
    rows: list[dict[str, Any]] = []
    series: dict[str, Any] = {}
    for seed in watched(range(seeds), "generated-digits"):
        looks, right = games(maps, steps)(data[seed], seed)
        known, new, made = data[seed, :TRAINED], data[seed, TRAINED:], looks[-1]
        sure, real = judge(seed, made), judge(seed, new)
        shares = np.bincount(sure.argmax(1), minlength=CLASSES) / len(made)
        away, usual = nearest(made, known), nearest(new, known)
        rows.append({
            "seed": seed,
            "kinds": int((shares >= RARE).sum()),
            "largest share": float(shares.max()),
            "confidence": float(sure.max(1).mean()),
            "confidence on new digits": float(real.max(1).mean()),
            "classifier right on new digits": float((real.argmax(1) == told[seed, TRAINED:]).mean()),
            "distance over that of new digits": float(np.median(away) / np.median(usual)),
            "copies": float((away < np.quantile(usual, NEAR)).mean()),
            "discriminator right": float(right[-1]),
        })  # fmt: skip
        if not series:
            series = {"looks": np.round(looks[:, :SHOWN], 1).tolist(), "discriminator right": right.tolist()}
    names = ("kinds", "largest share", "confidence", "distance over that of new digits", "copies")
    came = {name: float(np.mean([row[name] for row in rows])) for name in names}
    came["classifier right on new digits"] = float(np.mean([row["classifier right on new digits"] for row in rows]))
    kinds = [float(row["kinds"]) for row in rows]
    return Outcome(came, Effect("kinds", float(np.mean(kinds)), (min(kinds), max(kinds))), rows, series)


def nearest(points: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The distance of each point to the nearest known one."""
    a, b = points.astype(np.float64), known.astype(np.float64)
    square = (a**2).sum(1)[:, None] - 2 * a @ b.T + (b**2).sum(1)
    return np.sqrt(np.maximum(square.min(1), 0))


@functools.cache
def games(maps: tuple[int, int], steps: int) -> Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]:
    """Make a game, which gives what is made at four times [looks, images, pixels], and how often the other is right."""
    import jax

    from nnspec.architectures.convolutional_gan import convolutional_discriminator, convolutional_generator
    from nnspec.architectures.gan import gan_step, players
    from nnspec.training.adam import adam

    size = (SIDE, SIDE)
    optimizers = adam(RATE, beta1=BETA1), adam(RATE, beta1=BETA1)

    def generate(weights: dict, noise: Any) -> Any:
        return convolutional_generator(noise, weights, size=size)

    def discriminate(weights: dict, images: Any) -> Any:
        return convolutional_discriminator(images, weights)

    def turn(carry: tuple, key: Any) -> tuple:
        game, x = carry
        which, first, second = jax.random.split(key, 3)
        real = x[jax.random.randint(which, (BATCH,), 0, TRAINED)]
        noise = jax.random.normal(first, (BATCH, NOISE)), jax.random.normal(second, (BATCH, NOISE))
        game, _ = gan_step(game, real, noise, generate=generate, discriminate=discriminate, optimizers=optimizers)
        return (game, x), None

    def told_apart(game: Any, x: Any, fake: Any) -> Any:
        logits = discriminate(game.discriminator, x[:TRAINED]), discriminate(game.discriminator, fake)
        return ((logits[0] > 0).mean() + (logits[1] <= 0).mean()) / 2

    @jax.jit
    def whole(generator: dict, discriminator: dict, x: Any, key: Any) -> tuple:
        noise = jax.random.normal(jax.random.fold_in(key, 1), (ASKED, NOISE))

        def stretch(carry: tuple, keys: Any) -> tuple:
            (game, x), _ = jax.lax.scan(turn, carry, keys)
            fake = generate(game.generator, noise)
            return (game, x), (fake, told_apart(game, x, fake))

        keys = jax.random.split(key, steps).reshape(LOOKS, steps // LOOKS)
        return jax.lax.scan(stretch, (players(generator, discriminator, optimizers), x), keys)[1]

    def run(data: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        images = data.reshape(-1, SIDE, SIDE, 1).astype(np.float32)
        made, right = whole(*networks(maps, seed), images, jax.random.key(seed))
        return np.asarray(made).reshape(LOOKS, ASKED, -1), np.asarray(right)

    return run


def networks(maps: tuple[int, int], seed: int) -> list[dict[str, np.ndarray]]:
    """The first weights of a pair, drawn as the modules draw them: variance 2 over what adds up in an entry, or 1."""
    wide = (SIDE // 4) ** 2 * maps[0]
    up = [(NOISE, wide), (4, 4, *maps), (4, 4, maps[1], 1)]
    down = [(4, 4, 1, maps[1]), (4, 4, *maps[::-1]), (wide, 1)]
    rng, tables = np.random.default_rng(seed), []
    for shapes, adding in ((up, 4), (down, 16)):  # of 16 taps of a transposed convolution 4 reach a place
        table: dict[str, np.ndarray] = {}
        for i, shape in enumerate(shapes):
            added = shape[-2] * (adding if len(shape) == 4 else 1)
            gain = 1 if i == 2 else 2
            table[f"kernel_{i}"] = (rng.standard_normal(shape) * (gain / added) ** 0.5).astype(np.float32)
            table[f"bias_{i}"] = np.zeros(shape[-1], np.float32)
        tables.append(table)
    return tables


@functools.cache
def classifiers(steps: int) -> Callable[[np.ndarray, np.ndarray], Callable[[int, np.ndarray], np.ndarray]]:
    """Make the training of a classifier of each split, which gives probabilities by split and images."""
    import jax
    import optax

    from nnspec.components.layers import mlp
    from nnspec.components.losses.cross_entropy import softmax_cross_entropy_with_integer_labels
    from nnspec.training.adam import adam

    optimizer = adam(0.002)

    def loss(weights: dict, x: Any, labels: Any) -> Any:
        return softmax_cross_entropy_with_integer_labels(mlp(x, weights, activation="relu"), labels).mean()

    @jax.jit
    @jax.vmap
    def trained(weights: dict, x: Any, labels: Any, key: Any) -> Any:
        def update(carry: tuple, key: Any) -> tuple:
            weights, state = carry
            batch = jax.random.randint(key, (BATCH,), 0, TRAINED)
            change, state = optimizer.update(jax.grad(loss)(weights, x[batch], labels[batch]), state, weights)
            return (optax.apply_updates(weights, change), state), None

        return jax.lax.scan(update, (weights, optimizer.init(weights)), jax.random.split(key, steps))[0][0]

    def run(data: np.ndarray, labels: np.ndarray) -> Callable[[int, np.ndarray], np.ndarray]:
        tables = [start((data.shape[-1], HIDDEN, CLASSES), 2000 + i) for i in range(len(data))]
        stacked = jax.tree.map(lambda *w: np.stack(w), *tables)
        keys = jax.random.split(jax.random.key(1), len(data))
        weights = jax.tree.map(np.asarray, trained(stacked, data, labels, keys))

        def judge(seed: int, x: np.ndarray) -> np.ndarray:
            hidden = np.maximum(x @ weights["kernel_0"][seed] + weights["bias_0"][seed], 0)
            logits = hidden @ weights["kernel_1"][seed] + weights["bias_1"][seed]
            e = np.exp(logits - logits.max(1, keepdims=True))
            return e / e.sum(1, keepdims=True)

        return judge

    return run
