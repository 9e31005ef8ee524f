"""A.9.3: ten symbols to be copied after a gap, which an LSTM must keep apart and in order."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

SYMBOLS, COUNT = 8, 10  # what may be copied, and how much of it
BLANK, GO = SYMBOLS, SYMBOLS + 1
RATE, CLIP = 0.003, 1.0
ASKED = 500  # sequences to judge by


@experiment("copy-memory", short={"seeds": 1, "gaps": (3,), "units": 16, "batch": 16, "updates": 300})
def copy_memory(
    *, seeds: int = 3, gaps: tuple[int, ...] = (10, 100), units: int = 64, batch: int = 64, updates: int = 2000
) -> Outcome:
    """So many LSTMs of so many units learn for so many updates, for each length of the gap."""
    came: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    curves: dict[str, list[float]] = {}
    shares: dict[int, list[float]] = {}
    for gap in gaps:
        ignorant = COUNT * np.log(SYMBOLS) / (gap + 2 * COUNT)
        found = [learned(seed, gap, units, batch, updates) for seed in range(seeds)]
        ends = [float(np.mean(losses[-100:]) / ignorant) for losses, _ in found]
        shares[gap] = [share for _, share in found]
        came |= {f"accuracy, gap {gap}": float(np.mean(shares[gap])), f"loss, gap {gap}": float(np.mean(ends))}
        curves[f"gap {gap}"] = (
            np.mean([losses for losses, _ in found], 0).reshape(-1, min(50, updates)).mean(1) / ignorant
        ).tolist()
        rows.append({
            "gap": gap,
            "loss of who guesses": ignorant,
            "loss over it, mean": float(np.mean(ends)),
            "symbols right, mean": float(np.mean(shares[gap])),
            "least": min(shares[gap]),
            "largest": max(shares[gap]),
        })  # fmt: skip
    last = shares[gaps[-1]]
    effect = Effect(f"symbols right, gap {gaps[-1]}", float(np.mean(last)), (min(last), max(last)))
    return Outcome(came, effect, rows, curves)


def learned(seed: int, gap: int, units: int, batch: int, updates: int) -> tuple[np.ndarray, float]:
    """The loss of each update, each on sequences never seen before, and the share of the symbols told right then."""
    import jax
    import jax.numpy as jnp

    from nnspec.architectures.lstm import lstm_start

    key = jax.random.key(seed)
    table = {
        "layer": lstm_start(key, SYMBOLS + 2, units, forget_bias=1.0),
        "kernel": jax.random.normal(jax.random.fold_in(key, 3), (units, SYMBOLS + 1)) / units**0.5,
        "bias": jnp.zeros(SYMBOLS + 1),
    }  # fmt: skip
    train, ask = program(gap, batch)
    table, losses = train(table, jax.random.split(jax.random.fold_in(key, 1), updates))
    return np.asarray(losses), float(ask(table, jax.random.fold_in(key, 2)))


@functools.cache
def program(gap: int, batch: int) -> tuple[Callable, Callable]:
    """All updates of a training, and the share of symbols that a trained layer copies."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.architectures.lstm import lstm
    from nnspec.training.adam import adam
    from nnspec.training.gradient_clipping import clip_by_global_norm

    optimizer = adam(RATE)

    def drawn(key: Any, count: int) -> tuple[Any, Any]:
        """Symbols, blanks, the sign to go, blanks; and what is to be answered: blanks, then the symbols."""
        symbols = jax.random.randint(key, (count, COUNT), 0, SYMBOLS)
        blanks = jnp.full((count, gap + COUNT), BLANK)
        asked = jnp.concatenate([symbols, blanks.at[:, gap - 1].set(GO)], 1)
        return jax.nn.one_hot(asked, SYMBOLS + 2), jnp.concatenate([blanks, symbols], 1)

    def logits(table: dict, x: Any) -> Any:
        states, _, _ = lstm(x, table["layer"])
        return states @ table["kernel"] + table["bias"]

    def loss(table: dict, x: Any, y: Any) -> Any:
        z = logits(table, x)
        return jnp.mean(jax.nn.logsumexp(z, -1) - jnp.take_along_axis(z, y[..., None], -1)[..., 0])

    def update(carry: tuple, key: Any) -> tuple:
        table, state = carry
        found, g = jax.value_and_grad(loss)(table, *drawn(key, batch))
        change, state = optimizer.update(clip_by_global_norm(g, limit=CLIP), state, table)
        return (optax.apply_updates(table, change), state), found

    @jax.jit
    def train(table: dict, keys: Any) -> tuple:
        (table, _), losses = jax.lax.scan(update, (table, optimizer.init(table)), keys)
        return table, losses

    @jax.jit
    def ask(table: dict, key: Any) -> Any:
        x, y = drawn(key, ASKED)
        return jnp.mean((logits(table, x).argmax(-1) == y)[:, -COUNT:])

    return train, ask
