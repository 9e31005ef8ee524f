"""A.9.2: who speaks, told by a bidirectional layer, by the mistake of its last row, and without any order."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance.experiments.architectures.stacked_recurrent import vowels
from nnspec_conformance.experiments.core import Effect, Outcome, experiment

RATE, BATCH = 0.003, 30
KINDS = ("last states", "last row", "frames in random order")
GATES = ("r", "z", "n")
DIRECTIONS = ("forward", "backward")


@experiment("speakers", short={"seeds": 1, "units": 8, "epochs": 8, "kinds": ("last states", "last row")})
def speakers(*, seeds: int = 5, units: int = 32, epochs: int = 60, kinds: tuple[str, ...] = KINDS) -> Outcome:
    """So many layers of so many units in each direction learn for so many epochs."""
    train, test = standardized(vowels.utterances("train"), vowels.utterances("test"))
    baseline = logistic_regression(vowels.summaries(train), train.speakers, vowels.summaries(test), test.speakers)
    found: dict[str, list[float]] = {}
    for kind in kinds:
        found[kind] = []
        for seed in range(seeds):
            learn, ask = (
                shuffled(part, seed + i) if kind == KINDS[2] else part for i, part in enumerate((train, test))
            )
            weights = trained(kind, learn, seed, units, epochs)
            answers = np.asarray(program(kind)[1](weights, ask.x.astype(np.float32), ask.lengths)).argmax(-1)
            found[kind].append(float(np.mean(answers == ask.speakers)))
    came = {f"accuracy, {kind}": float(np.mean(a)) for kind, a in found.items()} | {
        "accuracy, logistic regression": baseline
    }
    if KINDS[0] in found and KINDS[1] in found:
        came["last states over last row"] = came[f"accuracy, {KINDS[0]}"] - came[f"accuracy, {KINDS[1]}"]
    first = np.array(found[kinds[0]]) - baseline
    effect = Effect(
        f"accuracy, {kinds[0]}, less that of logistic regression",
        float(first.mean()),
        (float(first.min()), float(first.max())),
    )
    rows: list[dict[str, Any]] = [
        {"read by": kind, "accuracy, mean": float(np.mean(a)), "least": min(a), "largest": max(a)}
        for kind, a in (found | {"logistic regression": [baseline]}).items()
    ]
    return Outcome(came, effect, rows)


def standardized(train: vowels.Utterances, test: vowels.Utterances) -> list[vowels.Utterances]:
    """Each of the twelve numbers with mean 0 and deviation 1 over all frames to learn from; padding stays zero."""
    frames = np.concatenate(train.each())
    mean, deviation = frames.mean(0), frames.std(0)
    found = []
    for part in (train, test):
        inside = (np.arange(vowels.LONGEST) < part.lengths[:, None])[..., None]
        found.append(replace(part, x=np.where(inside, (part.x - mean) / deviation, 0)))
    return found


def shuffled(part: vowels.Utterances, seed: int) -> vowels.Utterances:
    """The same frames, those of each utterance in a random order."""
    rng, x = np.random.default_rng(seed), part.x.copy()
    for i, n in enumerate(part.lengths):
        x[i, :n] = x[i, rng.permutation(n)]
    return replace(part, x=x)


def logistic_regression(x: np.ndarray, y: np.ndarray, asked: np.ndarray, right: np.ndarray) -> float:
    """The share of right answers of a linear model of the summaries, with a penalty of half the squared weights."""
    from scipy.optimize import minimize

    mean, deviation = x.mean(0), x.std(0)
    design, shown = (np.c_[(part - mean) / deviation, np.ones(len(part))] for part in (x, asked))
    shape, one = (design.shape[1], vowels.SPEAKERS), np.eye(vowels.SPEAKERS)[y]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        w = flat.reshape(shape)
        z = design @ w
        z = z - z.max(-1, keepdims=True)
        log_sum = np.log(np.exp(z).sum(-1, keepdims=True))
        penalized = np.concatenate([w[:-1], np.zeros_like(w[-1:])])
        gradient = design.T @ (np.exp(z - log_sum) - one) + penalized
        return float((log_sum - z)[one > 0].sum() + (penalized**2).sum() / 2), gradient.ravel()

    found: Any = minimize(loss, np.zeros(np.prod(shape)), jac=True, method="L-BFGS-B")
    return float(np.mean((shown @ found.x.reshape(shape)).argmax(-1) == right))


def start(units: int, seed: int) -> dict[str, Any]:
    """The table of a new layer in both directions, and of the dense layer that names the speaker."""
    rng, found = np.random.default_rng(seed), {}
    for direction in DIRECTIONS:
        for gate in GATES:
            scale = (2 / (vowels.NUMBERS + units)) ** 0.5
            found[f"{direction}_kernel_{gate}"] = rng.standard_normal((vowels.NUMBERS, units)) * scale
            found[f"{direction}_recurrent_kernel_{gate}"] = np.linalg.qr(rng.standard_normal((units, units)))[0]
            found[f"{direction}_bias_{gate}"] = np.zeros(units)
        found[f"{direction}_recurrent_bias_n"] = np.zeros(units)
    kernel = rng.standard_normal((2 * units, vowels.SPEAKERS)) / (2 * units) ** 0.5
    return {"layer": found, "kernel": kernel, "bias": np.zeros(vowels.SPEAKERS)}


def trained(kind: str, learn: vowels.Utterances, seed: int, units: int, epochs: int) -> Any:
    """The tables after so many epochs."""
    import jax
    import jax.numpy as jnp

    rng, count = np.random.default_rng(1000 + seed), len(learn.lengths)
    order = np.concatenate([rng.permutation(count).reshape(-1, BATCH) for _ in range(epochs)])
    table = jax.tree.map(lambda w: jnp.asarray(w, jnp.float32), start(units, seed))
    return program(kind)[0](table, learn.x.astype(np.float32), learn.lengths, learn.speakers, order)


@functools.cache
def program(kind: str) -> tuple[Callable, Callable]:
    """All updates of a training, and the logits of a trained layer."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.architectures.stacked_recurrent import bidirectional
    from nnspec.training.adam import adam

    optimizer = adam(RATE)

    def logits(table: dict, x: Any, lengths: Any) -> Any:
        states, last = bidirectional(x, table["layer"], lengths, cell="gru")
        if kind == "last row":
            last = jnp.take_along_axis(states, lengths[:, None, None] - 1, axis=1)[:, 0]
        return last @ table["kernel"] + table["bias"]

    def loss(table: dict, x: Any, lengths: Any, y: Any) -> Any:
        z = logits(table, x, lengths)
        chosen = jnp.take_along_axis(z, y[:, None], axis=1)[:, 0]
        return jnp.mean(jax.nn.logsumexp(z, -1) - chosen)

    @jax.jit
    def train(table: dict, x: Any, lengths: Any, y: Any, order: Any) -> dict:
        def update(carry: tuple, rows: Any) -> tuple:
            table, state = carry
            g = jax.grad(loss)(table, x[rows], lengths[rows], y[rows])
            change, state = optimizer.update(g, state, table)
            return (optax.apply_updates(table, change), state), None

        return jax.lax.scan(update, (table, optimizer.init(table)), order)[0][0]

    return train, jax.jit(logits)
