"""C.4.2: does Adam generalize better? The data of Wilson et al., on which it does not, and data on which it does."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import mean_interval
from nnspec_conformance.experiments.training.adam.breast_cancer import at_the_best_rate, data, error
from nnspec_conformance.experiments.training.adam.runs import trained

COMMON, OWN = 0.6, 5  # the share of the label +1; features that an example has for itself
RATE = 0.001  # of Adam
LESS = "test error of Adam less gradient descent"


@experiment("adam-generalization", short={"seeds": 2, "examples": 60, "steps": 400, "tumour_steps": 20, "every": 7})
def generalization(
    seeds: int, *, examples: int = 400, steps: int = 2000, tumour_steps: int = 300, new: int = 10_000, every: int = 1
) -> Outcome:
    """Test errors on both data sets, and the differences of the optimizers."""
    wilson, tumours = [], []
    for seed in watched(range(seeds), "adam-generalization"):
        random = np.random.default_rng(seed)
        wilson.append(wilsons(random, examples, steps, new))
        tumours.append(breast_cancer(random, tumour_steps, every))
    errors = {name: [one[name] for one in wilson] for name in wilson[0]}
    differences = {
        "Wilson's": np.subtract(errors["Adam"], errors["gradient descent"]),
        "breast cancer": np.array([one["Adam"] - one["gradient descent"] for one in tumours]),
    }
    rows: list[dict[str, Any]] = []
    for name, found in (("Wilson's", wilson), ("breast cancer", tumours)):
        for optimizer in ("Adam", "gradient descent"):
            mean, low, high = mean_interval([one[optimizer] for one in found])
            interval = f"{low:.4f} to {high:.4f}"
            rows.append({"data": name, "optimizer": optimizer, "test error": mean, "interval": interval})
    came = {
        "test error of Adam, Wilson's": float(np.mean(errors["Adam"])),
        "test error of gradient descent, Wilson's": float(np.mean(errors["gradient descent"])),
        "Adam's error less the share of the rarer class, Wilson's": float(
            np.abs(np.subtract(errors["Adam"], errors["rarer"])).max()
        ),
        "training error of both, Wilson's": float(np.max(errors["training"])),
    } | {f"{LESS}, {name}": float(values.mean()) for name, values in differences.items()}
    mean, low, high = mean_interval(differences["Wilson's"])
    return Outcome(came, Effect("test error of Adam less gradient descent, Wilson's data", mean, (low, high)), rows)


def wilsons(random: np.random.Generator, examples: int, steps: int, new: int) -> dict[str, float]:
    """One draw of the construction: test errors, the share of the rarer class, the larger training error."""
    y = np.where(random.random(examples) < COMMON, 1.0, -1.0)
    x = np.zeros((examples, 3 + OWN * examples))
    x[:, 0], x[:, 1:3] = y, 1.0
    for i, label in enumerate(y):
        x[i, 3 + OWN * i : 3 + OWN * i + (1 if label > 0 else OWN)] = 1.0
    curvature = float(np.linalg.eigvalsh(x @ x.T / examples).max())
    given = {"Adam": (RATE, steps), "gradient descent": (1 / curvature, 2 * steps)}
    labels_of_new = np.where(random.random(new) < COMMON, 1.0, -1.0)
    found, training = {"rarer": float(np.mean(labels_of_new < 0))}, []
    for name, (rate, count) in given.items():
        w = np.asarray(least_squares(name, count)(x.astype(np.float32), y.astype(np.float32), rate), np.float64)
        score = labels_of_new * w[0] + w[1] + w[2]  # a new example's own features have met no gradient
        found[name] = float(np.mean(np.sign(score) != labels_of_new))
        training.append(float(np.mean(np.sign(x @ w) != y)))
    return found | {"training": max(training)}


@functools.cache
def least_squares(name: str, steps: int) -> Callable:
    """The compiled function of features, labels and rate that gives the weights."""
    import jax
    import jax.numpy as jnp

    from nnspec.components.optimization import gradient_descent
    from nnspec.training.adam import adam

    make = {"gradient descent": gradient_descent, "Adam": adam}[name]

    def run(features: Any, labels: Any, rate: Any) -> Any:
        def loss(w: Any, _: Any) -> Any:
            return 0.5 * ((features @ w - labels) ** 2).mean()

        return trained(make(rate), loss, jnp.zeros(features.shape[1]), steps)

    return jax.jit(run)


def breast_cancer(random: np.random.Generator, steps: int, every: int) -> dict[str, float]:
    """Test errors of both optimizers on 30 % of the data, trained on the rest."""
    x, y = data()
    order = random.permutation(len(y))
    train, test = order[: int(0.7 * len(y))], order[int(0.7 * len(y)) :]
    found = at_the_best_rate(x[train], y[train], steps, every)
    return {name: error(one["weights"], x[test], y[test]) for name, one in found.items()}
