"""B.3.2: an encoder-decoder learns to write strings backwards: new ones, other pairs of symbols, longer strings."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import mean_interval

SYMBOLS, END, START = 8, 8, 9  # and two marks
SHORTEST, LONGEST, LONGER = 4, 8, 12
PLACES = LONGER + 1  # of an array, for a string and its mark
FEATURES, HEADS, HIDDEN, LAYERS = 32, 2, 64, 1
BATCH, RATE, CHUNK, OTHERS = 32, 3e-3, 100, 512
GIVEN = {"norm": "pre", "epsilon": 1e-6}
# What is measured: the least and the greatest length, and whether there is a pair that the training has not.
KINDS = {
    "new strings": (SHORTEST, LONGEST, False),
    "a pair never seen": (SHORTEST, LONGEST, True),
    "longer": (LONGEST + 1, LONGER, False),
}


@experiment("string-reversal", short={"seeds": 2, "steps": 60, "others": 64, "batch": 16})
def reversal(seeds: int, *, steps: int = 2000, others: int = OTHERS, batch: int = BATCH) -> Outcome:
    """Shares of strings that come back without a mistake, of all seeds at once; the curve is the loss."""
    import jax

    draws = [np.random.default_rng(seed) for seed in range(seeds)]
    weights = jax.tree.map(lambda *arrays: np.stack(arrays), *[started(rng) for rng in draws])
    state, curve = (weights, jax.vmap(method().init)(weights)), []
    train, chunk = jax.jit(jax.vmap(trained)), min(CHUNK, steps)
    for first in watched(range(0, steps, chunk), "chunks"):
        batches = [strings(rng, (chunk, batch), SHORTEST, LONGEST) for rng in draws]
        shares = np.broadcast_to(schedule(first + np.arange(chunk), steps), (seeds, chunk))
        state, losses = train(state, *(np.stack(arrays) for arrays in zip(*batches, strict=True)), shares)
        curve.append(float(np.mean(losses)))
    rows = measured(state[0], draws, others)
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0] if name != "seed"}
    mean, low, high = mean_interval([row["exact, new strings"] for row in rows])
    return Outcome(means, Effect("exact, new strings", mean, (low, high)), rows, {"loss": curve})


# ---- strings


def strings(
    draws: np.random.Generator, shape: tuple[int, ...], shortest: int, longest: int, unseen: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Strings with their mark behind them, [*shape, places], and how long they are.

    A symbol is followed by the next one of the alphabet in no string of the training, and somewhere in an unseen one.
    """
    n = draws.integers(shortest, longest + 1, shape)
    moves = draws.integers(0, SYMBOLS if unseen else SYMBOLS - 1, (*shape, PLACES))
    if unseen:
        moves = np.where(np.arange(PLACES) == draws.integers(1, n)[..., None], 1, moves)
    else:
        moves = moves + (moves >= 1)
    symbols = (draws.integers(0, SYMBOLS, (*shape, 1)) + np.cumsum(moves, -1)) % SYMBOLS
    return np.where(np.arange(PLACES) < n[..., None], symbols, END), n


def backwards(symbols: Any, n: Any) -> tuple[Any, Any]:
    """What the decoder reads, and what it is to say: the string backwards, then the mark."""
    import jax.numpy as jnp

    places = n[:, None] - 1 - jnp.arange(PLACES)
    answer = jnp.where(places >= 0, jnp.take_along_axis(symbols, jnp.maximum(places, 0), 1), END)
    return jnp.concatenate([jnp.full_like(answer[:, :1], START), answer[:, :-1]], 1), answer


# ---- the network


def started(draws: np.random.Generator) -> dict[str, Any]:
    """Weights as a new module has them, a row for each symbol, and the kernel of the logits."""
    import jax
    from flax import nnx

    from nnspec.architectures.transformer.decoder import EncoderDecoder

    def new() -> dict[str, Any]:
        return EncoderDecoder(FEATURES, HEADS, HIDDEN, LAYERS, norm="pre", rngs=nnx.Rngs(0)).get_weights()

    shapes = jax.eval_shape(new)
    table = {}
    for name, w in shapes.items():
        if "kernel" in name:
            table[name] = draws.standard_normal(w.shape) / (HIDDEN if "out" in name else FEATURES) ** 0.5
        else:
            table[name] = np.full(w.shape, float("scale" in name))
    found = {
        "network": table,
        "embedding": draws.standard_normal((START + 1, FEATURES)),
        "kernel": draws.standard_normal((FEATURES, START + 1)) / FEATURES**0.5,
    }
    return {
        name: {n: a.astype(np.float32) for n, a in w.items()} if isinstance(w, dict) else w.astype(np.float32)
        for name, w in found.items()
    }


def method() -> Any:
    """Adam; the schedule is a factor of its steps."""
    from nnspec.training.adam import adam

    return adam(RATE)


def schedule(at: np.ndarray, steps: int) -> np.ndarray:
    """A warm-up of a tenth of the steps, and a half cosine to 0."""
    warm = np.minimum(1.0, (at + 1) / (0.1 * steps))
    return (warm * (1 + np.cos(np.pi * at / steps)) / 2).astype(np.float32)


def logits(weights: Any, source: Any, target: Any, n: Any) -> Any:
    """Logits of every symbol and mark at each place of the target, for sources of n symbols and the mark."""
    import jax.numpy as jnp

    from nnspec.architectures.transformer.decoder import encoder_decoder
    from nnspec.architectures.transformer.positions import sinusoidal_positions

    places = sinusoidal_positions(jnp.arange(PLACES), features=FEATURES)
    x, y = (weights["embedding"][symbols] + places for symbols in (source, target))
    return encoder_decoder(x, y, weights["network"], n + 1, **GIVEN) @ weights["kernel"]


def trained(state: Any, batches: Any, lengths: Any, shares: Any) -> tuple[Any, Any]:
    """Weights and Adam's state after a step on each batch, and the mean loss."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.components.losses.cross_entropy import softmax_cross_entropy_with_integer_labels

    def loss(weights: Any, symbols: Any, n: Any) -> Any:
        target, answer = backwards(symbols, n)
        losses = softmax_cross_entropy_with_integer_labels(logits(weights, symbols, target, n), answer)
        real = jnp.arange(PLACES) <= n[:, None]
        return jnp.where(real, losses, 0).sum() / real.sum()

    def step(state: Any, given: Any) -> tuple[Any, Any]:
        weights, memory = state
        symbols, n, share = given
        value, gradients = jax.value_and_grad(loss)(weights, symbols, n)
        moves, memory = method().update(gradients, memory, weights)
        return (optax.apply_updates(weights, jax.tree.map(lambda m: share * m, moves)), memory), value

    state, losses = jax.lax.scan(step, state, (batches, lengths, shares))
    return state, losses.mean()


# ---- what is measured


def measured(weights: Any, draws: list[np.random.Generator], others: int) -> list[dict[str, float]]:
    """Seed by seed, shares of strings that are written backwards without a mistake, and of symbols.

    The right answer is read up to each place. Where every place then says the right symbol, so does the network that
    reads what it has written itself.
    """
    import jax

    answers, rows = jax.jit(logits), []
    for seed, rng in enumerate(draws):
        own = jax.tree.map(lambda w, seed=seed: w[seed], weights)
        row: dict[str, float] = {"seed": seed}
        for name, (shortest, longest, unseen) in KINDS.items():
            symbols, n = strings(rng, (others,), shortest, longest, unseen)
            row |= shares_of(answers, own, symbols, n, symbols, n, name)
        symbols, n = strings(rng, (others,), SHORTEST, LONGEST)
        row |= shares_of(answers, own, symbols, n, np.roll(symbols, 1, 0), np.roll(n, 1), "another source")
        rows.append(row)
    return rows


def shares_of(
    answers: Any, weights: Any, symbols: np.ndarray, n: np.ndarray, source: np.ndarray, read: np.ndarray, name: str
) -> dict[str, float]:
    """Shares of strings and of symbols that are right, with a source and its lengths."""
    target, answer = (np.asarray(a) for a in backwards(symbols, n))
    real = np.arange(PLACES) <= n[:, None]
    right = np.asarray(answers(weights, source, target, read)).argmax(-1) == answer
    return {
        f"exact, {name}": float((right | ~real).all(-1).mean()),
        f"symbols, {name}": float(right[real].mean()),
    }
