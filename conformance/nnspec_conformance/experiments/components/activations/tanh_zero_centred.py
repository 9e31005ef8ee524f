"""A.4.3: what the zero-centred outputs of tanh are better for: the conditioning of the layer that reads them."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import geometric_interval

UNITS, SHRINK = 16, 1e3
# mean and variance of a unit whose pre-activation is standard normal
MOMENTS = {"sigmoid": (0.5, 0.0433790), "sigmoid - 1/2": (0.0, 0.0433790), "tanh": (0.0, 0.3942945)}

NOTE = (
    "The conditions came as predicted, the steps of sigmoid did not: the prediction took the whole error to lie along "
    "the slowest of the 17 directions. A random start has about 1/√17 of it there, which makes "
    "2018·(1 − ln √17 / ln 1000) = 1604 steps."
)


@experiment("tanh-zero-centred", short={"seeds": 2, "examples": 2_000})
def tanh_zero_centred(seeds: int, *, examples: int = 65_536) -> Outcome:
    """Conditioning of a readout, and steps to learn it, by what its inputs are centred on."""
    conditions = {name: np.empty(seeds) for name in MOMENTS}
    steps = {name: np.empty(seeds) for name in MOMENTS}
    for seed in watched(range(seeds), "tanh-zero-centred"):
        for name, hidden in _hidden(seed, examples).items():
            hessian = second_moment(hidden)
            eigenvalues = np.linalg.eigvalsh(hessian)
            conditions[name][seed] = eigenvalues[-1] / eigenvalues[0]
            steps[name][seed] = descend(hessian, np.random.default_rng(1_000 + seed))
    rows = []
    for name, (mean, variance) in MOMENTS.items():
        predicted = predicted_condition(mean, variance)
        rows.append({
            "hidden unit": name,
            "condition, measured": float(np.mean(conditions[name])),
            "condition, predicted": predicted,
            "steps, measured": float(np.mean(steps[name])),
            "steps, predicted": predicted_steps(predicted),
        })  # fmt: skip
    ratio, low, high = geometric_interval(steps["sigmoid"] / steps["tanh"])
    centred = float(np.mean(steps["sigmoid"] / steps["sigmoid - 1/2"]))
    came = {
        "steps, sigmoid / tanh": ratio,
        "steps, sigmoid / sigmoid - 1/2": centred,
        **{f"condition, {row['hidden unit']}": row["condition, measured"] for row in rows},
        **{f"steps, {row['hidden unit']}": row["steps, measured"] for row in rows},
    }
    effect = Effect("steps of gradient descent, sigmoid / tanh", ratio, (low, high))
    return Outcome(came, effect, rows, {"steps": steps, "conditions": conditions}, NOTE)


def _hidden(seed: int, examples: int) -> dict[str, np.ndarray]:
    import jax.numpy as jnp

    from nnspec.components.activations import sigmoid, tanh

    rng = np.random.default_rng(seed)
    orthogonal, _ = np.linalg.qr(rng.normal(size=(UNITS, UNITS)))
    z = jnp.asarray(rng.normal(size=(examples, UNITS)) @ orthogonal, jnp.float32)
    half = np.asarray(sigmoid(z), np.float64)
    return {"sigmoid": half, "sigmoid - 1/2": half - 0.5, "tanh": np.asarray(tanh(z), np.float64)}


def second_moment(hidden: np.ndarray) -> np.ndarray:
    """The Hessian of half the mean squared error of a linear readout with bias."""
    inputs = np.hstack([hidden, np.ones((len(hidden), 1))])
    return inputs.T @ inputs / len(inputs)


def descend(hessian: np.ndarray, rng: np.random.Generator) -> int:
    """Steps until gradient descent at its best constant rate is ``SHRINK`` times nearer to the optimum."""
    eigenvalues = np.linalg.eigvalsh(hessian)
    step = np.eye(len(hessian)) - 2 / (eigenvalues[0] + eigenvalues[-1]) * hessian
    error = rng.normal(size=len(hessian))
    goal, count = np.linalg.norm(error) / SHRINK, 0
    while np.linalg.norm(error) > goal and count < 100_000:
        error, count = step @ error, count + 1
    return count


def predicted_condition(mean: float, variance: float) -> float:
    """The condition number of E[h h'] with a bias unit, for independent units of this mean and variance."""
    pair = np.array([[variance + UNITS * mean**2, np.sqrt(UNITS) * mean], [np.sqrt(UNITS) * mean, 1.0]])
    eigenvalues = np.append(np.linalg.eigvalsh(pair), variance)
    return float(eigenvalues.max() / eigenvalues.min())


def predicted_steps(condition: float) -> float:
    """The error shrinks by (k - 1) / (k + 1) a step at the rate 2 / (smallest + largest eigenvalue)."""
    return float(np.log(SHRINK) / np.log((condition + 1) / (condition - 1)))
