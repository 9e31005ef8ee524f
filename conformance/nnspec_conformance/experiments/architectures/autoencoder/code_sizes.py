"""B.5.1: how much of an image a short code keeps, beside principal components and random directions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.components.layers.hidden_features import digits
from nnspec_conformance.experiments.core import Effect, Outcome, experiment

TRAINED = 1200  # images; the others are asked
RATE, BATCH = 0.003, 100
KINDS = ("autoencoder", "principal components", "random directions")


@experiment("code-sizes", short={"seeds": 2, "units": 8, "steps": 60, "codes": (2,), "shown": 2})
def code_sizes(
    *, seeds: int = 5, units: int = 64, steps: int = 2000, codes: tuple[int, ...] = (2, 4, 8, 16), shown: int = 8
) -> Outcome:
    """So many splits of the digits, for codes of each length."""
    x, labels = digits()
    orders = [np.random.default_rng(seed).permutation(len(x)) for seed in range(seeds)]
    data = np.stack([x[order] for order in orders]).astype(np.float32)
    found: dict[tuple[str, int], np.ndarray] = {}  # error as a share of the variance, and accuracy, by seed
    for k in codes:
        learned = networks(k, units, steps)(data)
        for kind in KINDS:
            judgements = []
            for seed, order in enumerate(orders):
                code, y = (part[seed] for part in learned) if kind == KINDS[0] else linear(kind, data[seed], k, seed)
                judgements.append(judged(data[seed], code, y, labels[order]))
            found[kind, k] = np.array(judgements)
    error = {kind: found[kind, shown][:, 0] for kind in KINDS}
    ratios = error[KINDS[0]] / error[KINDS[1]]
    came = {
        "error over that of principal components": float(ratios.mean()),
        "error of random directions over that of principal components": float(
            np.mean(error[KINDS[2]] / error[KINDS[1]])
        ),
        "accuracy, autoencoder": float(found[KINDS[0], shown][:, 1].mean()),
        "accuracy with a code of 2, autoencoder": float(found[KINDS[0], codes[0]][:, 1].mean()),
        "accuracy with a code of 2, principal components": float(found[KINDS[1], codes[0]][:, 1].mean()),
    }
    rows: list[dict[str, Any]] = [
        {
            "code": k,
            **{f"error, {kind}": float(found[kind, k][:, 0].mean()) for kind in KINDS},
            **{f"accuracy, {kind}": float(found[kind, k][:, 1].mean()) for kind in KINDS},
        }
        for k in codes
    ]
    effect = Effect(next(iter(came)), float(ratios.mean()), (float(ratios.min()), float(ratios.max())))
    return Outcome(came, effect, rows)


def judged(x: np.ndarray, code: np.ndarray, y: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """The error on new images over their variance, and how often the nearest known code has the right digit."""
    new = slice(TRAINED, None)
    error = np.sum((y[new] - x[new]) ** 2) / np.sum((x[new] - x[:TRAINED].mean(0)) ** 2)
    away = (code[new] ** 2).sum(1)[:, None] - 2 * code[new] @ code[:TRAINED].T + (code[:TRAINED] ** 2).sum(1)
    return float(error), float(np.mean(labels[:TRAINED][away.argmin(1)] == labels[new]))


def linear(kind: str, x: np.ndarray, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes along directions, and the best linear decoder of the images that are trained on."""
    mean = x[:TRAINED].mean(0)
    off = (x - mean).astype(np.float64)
    if kind == "principal components":
        directions = np.linalg.svd(off[:TRAINED], full_matrices=False)[2][:k].T
    else:
        directions = np.linalg.qr(np.random.default_rng(5000 + seed).standard_normal((x.shape[1], k)))[0]
    code = off @ directions
    decoder = np.linalg.lstsq(code[:TRAINED], off[:TRAINED], rcond=None)[0]
    return code, code @ decoder + mean


@functools.cache
def networks(k: int, units: int, steps: int) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Make the training of autoencoders of every split at once, which gives codes and reconstructions of all images."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.architectures.autoencoder import autoencoder
    from nnspec.training.adam import adam

    optimizer = adam(RATE)

    def loss(weights: dict, x: Any) -> Any:
        return jnp.sum((autoencoder(x, weights, activation="tanh")[1] - x) ** 2, -1).mean()

    @jax.jit
    @jax.vmap
    def whole(weights: dict, x: Any, key: Any) -> Any:
        def update(carry: tuple, key: Any) -> tuple:
            weights, state = carry
            batch = x[jax.random.randint(key, (BATCH,), 0, TRAINED)]
            change, state = optimizer.update(jax.grad(loss)(weights, batch), state, weights)
            return (optax.apply_updates(weights, change), state), None

        keys = jax.random.split(key, steps)
        return autoencoder(x, jax.lax.scan(update, (weights, optimizer.init(weights)), keys)[0][0], activation="tanh")

    def run(data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        tables = [start((data.shape[-1], units, k), seed) for seed in range(len(data))]
        stacked = {name: np.stack([table[name] for table in tables]) for name in tables[0]}
        code, y = whole(stacked, data, jax.random.split(jax.random.key(0), len(data)))
        return np.asarray(code, np.float64), np.asarray(y, np.float64)

    return run


def start(widths: tuple[int, ...], seed: int) -> dict[str, np.ndarray]:
    """A table of kernels of variance 1 over their inputs, and biases 0."""
    rng, found = np.random.default_rng(seed), {}
    for i in range(len(widths) - 1):
        for half, (n, m) in {"encoder": widths[i : i + 2], "decoder": widths[i : i + 2][::-1]}.items():
            found[f"{half}_kernel_{i}"] = (rng.standard_normal((n, m)) / n**0.5).astype(np.float32)
            found[f"{half}_bias_{i}"] = np.zeros(m, np.float32)
    return found
