"""A.4.0: XOR needs a non-linearity. All linear separations of four points, and nets trained with and without one."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from scipy.optimize import linprog

from nnspec_conformance.experiments.core import Effect, Finding, experiment
from nnspec_conformance.experiments.statistics import proportion_interval

POINTS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = np.array([0, 1, 1, 0])
NETS = [("identity", 8), ("tanh", 8), ("relu", 8), ("tanh", 2), ("relu", 2)]
STEPS, RATE = 2_000, 0.02


@experiment("xor-needs-non-linearity", short_seeds=20)
def xor_needs_non_linearity(seeds: int) -> Finding:
    separations = {labels: separation(labels) for labels in itertools.product((0, 1), repeat=4)}
    realized = [labels for labels, map_ in separations.items() if map_ is not None]
    nearest = max(realized, key=lambda labels: int((labels == XOR).sum()))
    best = int((nearest == XOR).sum())

    rows: list[dict[str, Any]] = []
    series: dict[str, Any] = {"points": POINTS, "labels": XOR, "best_affine": separations[nearest], "nets": {}}
    for name, units in NETS:
        right, most, losses, weights, dead = train(name, units, seeds)
        solved = int((right == 4).sum())
        share, low, high = proportion_interval(solved, seeds)
        rows.append({
            "activation": name,
            "hidden units": units,
            "seeds with 4 of 4": f"{solved} of {seeds}",
            "interval": f"{low:.2f} to {high:.2f}",
            "most points ever": int(most.max()),
            "median loss": float(np.median(losses)),
            "seeds with a dead unit": int(dead.sum()) if name == "relu" else None,
            "of those with 4 of 4": int(((right == 4) & dead).sum()) if name == "relu" else None,
        })  # fmt: skip
        winner = int(np.argmax(right))
        series["nets"][f"{name}-{units}"] = {
            "solved": solved,
            "share": share,
            "interval": [low, high],
            "weights": {k: v[winner] for k, v in weights.items()},
        }
    solved = {key: net["solved"] for key, net in series["nets"].items()}
    outcome, when = judge(len(realized), best, rows[0]["most points ever"], solved, seeds)
    wide = series["nets"]["tanh-8"]
    effect = Effect("seeds in which 8 tanh units classify all 4 points", wide["share"], tuple(wide["interval"]))
    return Finding(outcome, effect, rows, when, series)


def judge(
    realized: int, best_affine: int, best_identity: int, solved: dict[str, int], seeds: int
) -> tuple[str, str | None]:
    """The claim holds where affine maps reach 3 of 4 at most and every net that has a non-linearity reaches 4."""
    if realized != 14 or best_affine > 3 or best_identity > 3:
        return "does not hold", None
    if min(solved["tanh-8"], solved["relu-8"]) < seeds:
        return "does not hold", None
    if min(solved["tanh-2"], solved["relu-2"]) == seeds:
        return "holds", None
    return "holds when", "the hidden layer has units to spare: with 2 some seeds get stuck"


def separation(labels: tuple[int, ...]) -> dict[str, Any] | None:
    """An affine map with the sign pattern ``labels`` on ``POINTS``, or None where a linear program finds none."""
    sign = 2 * np.asarray(labels) - 1
    rows = -sign[:, None] * np.hstack([POINTS, np.ones((4, 1))])  # sign * (w.x + b) >= 1
    found = linprog(np.zeros(3), A_ub=rows, b_ub=-np.ones(4), bounds=[(None, None)] * 3)
    return {"w": found.x[:2], "b": found.x[2], "labels": labels} if found.status == 0 else None


def train(
    name: str, units: int, seeds: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Train one net from every seed.

    Returns:
        per seed: points right at the end, most points right at any step, final loss, the weights, and whether a
        unit started with both weights negative (for ReLU without bias: off at every point).
    """
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.components import activations

    phi = getattr(activations, name)
    x, y = jnp.asarray(POINTS, jnp.float32), jnp.asarray(XOR, jnp.float32)
    adam = optax.adam(RATE)

    def logits(w):
        return phi(x @ w["kernel"] + w["bias"]) @ w["readout"] + w["offset"]

    def loss(w):
        z = logits(w)
        return jnp.mean(activations.softplus(z) - y * z)  # cross-entropy of sigmoid(z)

    def count(w):
        return jnp.sum((logits(w) > 0) == (y > 0.5))

    def from_seed(seed):
        first, second = jax.random.split(jax.random.key(seed))
        w = {
            "kernel": jax.random.normal(first, (2, units)),  # variance 2/n with n = 2
            "bias": jnp.zeros(units),
            "readout": jax.random.normal(second, (units,)) * jnp.sqrt(2 / units),
            "offset": jnp.zeros(()),
        }
        dead = jnp.any(jnp.all(w["kernel"] < 0, axis=0))

        def step(_, carry):
            w, state, most = carry
            updates, state = adam.update(jax.grad(loss)(w), state)
            w = optax.apply_updates(w, updates)
            return w, state, jnp.maximum(most, count(w))

        w, _, most = jax.lax.fori_loop(0, STEPS, step, (w, adam.init(w), count(w)))
        return count(w), most, loss(w), w, dead

    return jax.tree.map(np.asarray, jax.jit(jax.vmap(from_seed))(jnp.arange(seeds)))
