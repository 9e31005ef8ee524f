"""B.5.1: what the codes of a variational autoencoder look like, beside those of a plain one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.architectures.autoencoder.code_sizes import BATCH, RATE, TRAINED, start
from nnspec_conformance.experiments.components.layers.hidden_features import digits
from nnspec_conformance.experiments.core import Effect, Outcome, experiment

CODE = 2
VARIANCE = 0.04  # of a pixel around its reconstruction
DRAWN = 500
DIGITS = 3  # of the weights that the figure is drawn of
KINDS = ("plain", "variational")


@experiment("variational-codes", short={"seeds": 2, "units": 8, "steps": 100})
def variational_codes(*, seeds: int = 5, units: int = 32, steps: int = 3000) -> Outcome:
    """So many splits of the digits, with so many hidden units in both halves."""
    x, labels = digits()
    orders = [np.random.default_rng(seed).permutation(len(x)) for seed in range(seeds)]
    data = np.stack([x[order] for order in orders]).astype(np.float32)
    learned = {kind: networks(kind, units, steps)(data) for kind in KINDS}
    rows: list[dict[str, Any]] = []
    for seed in range(seeds):
        for kind in KINDS:
            mean, deviation, y, made = (part[seed] for part in learned[kind][:4])
            new = slice(TRAINED, None)
            rows.append({
                "seed": seed,
                "kind": kind,
                "deviation of codes": float(np.sqrt(mean.var(0) + (deviation**2).mean(0)).mean()),
                "error": float(np.sum((y[new] - data[seed, new]) ** 2, -1).mean()),
                "distance of a drawn image": nearest(made, data[seed]),
            })  # fmt: skip
    by = {kind: [row for row in rows if row["kind"] == kind] for kind in KINDS}
    ratios = np.array([
        a["distance of a drawn image"] / b["distance of a drawn image"]
        for a, b in zip(by["plain"], by["variational"], strict=True)
    ])  # fmt: skip
    came = {
        "deviation of codes, variational": float(np.mean([row["deviation of codes"] for row in by["variational"]])),
        "deviation of codes, plain": float(np.mean([row["deviation of codes"] for row in by["plain"]])),
        "error, variational over plain": float(
            np.mean([a["error"] / b["error"] for a, b in zip(by["variational"], by["plain"], strict=True)])
        ),
        "distance of a drawn image, plain over variational": float(ratios.mean()),
    }
    effect = Effect("deviation of codes, variational", came["deviation of codes, variational"], spread(by))
    return Outcome(came, effect, rows, shown(learned["variational"], labels[orders[0]]))


def spread(by: dict[str, list[dict[str, Any]]]) -> tuple[float, float]:
    values = [row["deviation of codes"] for row in by["variational"]]
    return min(values), max(values)


def nearest(made: np.ndarray, x: np.ndarray) -> float:
    """How far a drawn image is from the nearest one of the data, on average."""
    away = (made**2).sum(1)[:, None] - 2 * made @ x.T + (x**2).sum(1)
    return float(np.sqrt(np.maximum(away.min(1), 0)).mean())


def shown(learned: tuple, labels: np.ndarray) -> dict[str, Any]:
    """The first seed's codes of new images, and its decoder."""
    mean, weights = learned[0][0][TRAINED:], learned[4]
    decoder = {n: np.round(w[0], DIGITS).tolist() for n, w in weights.items() if n.startswith("decoder")}
    return {"codes": np.round(mean, DIGITS).tolist(), "digits": labels[TRAINED:].tolist(), **decoder}


@functools.cache
def networks(kind: str, units: int, steps: int) -> Callable[[np.ndarray], tuple]:
    """Make the training of autoencoders of every split at once.

    It gives mean and deviation of the codes of all images, their reconstructions, images of drawn codes, the weights.
    """
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.architectures.autoencoder import decode, encode
    from nnspec.architectures.autoencoder_variational import gaussian_bound, reparametrize
    from nnspec.training.adam import adam

    optimizer, phi = adam(RATE), "tanh"
    drawn = kind == "variational"

    def coded(weights: dict, x: Any) -> tuple:
        both = encode(x, weights, activation=phi)
        return (both[..., :CODE], both[..., CODE:]) if drawn else (both, jnp.full_like(both, -jnp.inf))

    def loss(weights: dict, x: Any, key: Any) -> Any:
        mean, log_variance = coded(weights, x)
        if not drawn:
            return jnp.sum((decode(mean, weights, activation=phi) - x) ** 2, -1).mean()
        y = decode(reparametrize(mean, log_variance, key), weights, activation=phi)
        return -gaussian_bound(x, y, mean, log_variance, variance=VARIANCE, beta=1.0).mean()

    @jax.jit
    @jax.vmap
    def whole(weights: dict, x: Any, key: Any) -> tuple:
        def update(carry: tuple, key: Any) -> tuple:
            weights, state = carry
            which, noise = jax.random.split(key)
            batch = x[jax.random.randint(which, (BATCH,), 0, TRAINED)]
            change, state = optimizer.update(jax.grad(loss)(weights, batch, noise), state, weights)
            return (optax.apply_updates(weights, change), state), None

        last, keys = jax.random.fold_in(key, 1), jax.random.split(key, steps)
        weights = jax.lax.scan(update, (weights, optimizer.init(weights)), keys)[0][0]
        mean, log_variance = coded(weights, x)
        code = jax.random.normal(last, (DRAWN, CODE))
        if not drawn:  # a normal distribution with the mean and the covariance of the codes
            off = mean[:TRAINED] - mean[:TRAINED].mean(0)
            code = mean[:TRAINED].mean(0) + code @ jnp.linalg.cholesky(off.T @ off / TRAINED).T
        images = decode(mean, weights, activation=phi), decode(code, weights, activation=phi)
        return mean, jnp.exp(log_variance / 2), *images, weights

    def run(data: np.ndarray) -> tuple:
        pixels = data.shape[-1]
        tables = []
        for seed in range(len(data)):
            table = start((pixels, units, CODE), seed)
            if drawn:  # the encoder gives mean and log-variance
                wide = start((pixels, units, 2 * CODE), seed)
                table |= {name: wide[name] for name in wide if name.startswith("encoder")}
            tables.append(table)
        stacked = {name: np.stack([table[name] for table in tables]) for name in tables[0]}
        found = whole(stacked, data, jax.random.split(jax.random.key(0), len(data)))
        return jax.tree.map(lambda part: np.asarray(part, np.float64), found)

    return run
