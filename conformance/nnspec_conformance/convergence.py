"""Four losses on which an optimizer has to come as low as the oracle does, in hardly more steps.

Their parameters lie one after another in one array, so that an optimizer is compiled once. Each loss is divided by its
largest curvature, so that one learning rate suits them all.
"""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.trial import Trial

STEPS, GRANTED = 100, 110  # of the oracle in float64, and of the subject
NEAR, NOTHING = 1.001, 1e-6  # what is as low: this share of the oracle's least loss, or of the loss at the start

ADAMS = {"learning_rate": 2.0**-5, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8}
MEANS = {"learning_rate": 2.0**-5, "decay_rate": 0.9, "epsilon": 1e-8}
GIVEN: dict[str, dict[str, Any]] = {
    "gradient_descent": {"learning_rate": 1.0},
    "momentum": {"learning_rate": 1.0, "momentum": 0.75},
    "nesterov": {"learning_rate": 1.0, "momentum": 0.75},
    "adagrad": {"learning_rate": 0.25, "epsilon": 1e-8, "initial_accumulator": 0.0},
    "rmsprop": MEANS,
    "centred_rmsprop": MEANS,
    "adam": ADAMS,
    "amsgrad": ADAMS,
    "adamw": ADAMS | {"weight_decay": 0.0},
    "nadam": ADAMS,
    "adamax": ADAMS,
}
# Readings that change nothing where the rate stays the same and nothing decays or is dampened: who has another one,
# too, is asked with that one.
ALIKE = {
    "rate_position": "inside",
    "first_gradient": "dampened",
    "decay_position": "decoupled",
    "coupling": "independent",
}


@dataclass(frozen=True)
class Loss:
    """A loss and its slope: a run is handed slopes, and only its path is asked for values."""

    value: Callable[[np.ndarray], Any]
    slope: Callable[[np.ndarray], np.ndarray]


# A narrow valley: curvatures 1/100 and 1.
QUADRATIC = Loss(lambda x: x @ (x * [0.01, 1.0]) / 2, lambda x: x * [0.01, 1.0])

# A valley that bends; over 1,000, about its curvature across.
ROSENBROCK = Loss(
    lambda x: ((1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2) / 1000,
    lambda x: np.array([-2 * (1 - x[0]) - 400 * x[0] * (x[1] - x[0] ** 2), 200 * (x[1] - x[0] ** 2)]) / 1000,
)

# The loss of which the optimizer is handed noisy gradients.
PARABOLA = Loss(lambda x: x @ x / 2, lambda x: x)


def margins(w: np.ndarray) -> np.ndarray:
    """Compute by how much each tumour lies on the right side."""
    x, y, _ = data()
    return y * (x @ w)


def logistic_slope(w: np.ndarray) -> np.ndarray:
    """The slope of the mean logistic loss, over its largest curvature."""
    x, y, curvature = data()
    return -x.T @ (y / (1 + np.exp(margins(w)))) / len(y) / curvature


# Logistic regression on the breast-cancer data.
TUMOURS = Loss(lambda w: np.logaddexp(0, -margins(w)).mean() / data()[2], logistic_slope)

LOSSES = {"quadratic": QUADRATIC, "rosenbrock": ROSENBROCK, "parabola": PARABOLA, "tumours": TUMOURS}
STARTS = {"quadratic": [2.0, 2.0], "rosenbrock": [-1.0, 1.0], "parabola": [2.0, -2.5, 3.0], "tumours": [0.0] * 11}


@functools.cache
def data() -> tuple[np.ndarray, np.ndarray, float]:
    """Ten standardized features and a constant one, labels -1 and +1, and the largest curvature of the loss, at 0."""
    text = importlib.resources.files("nnspec_conformance").joinpath("breast_cancer.csv").read_text(encoding="utf-8")
    table = np.loadtxt(text.splitlines(), delimiter=",")
    features = (table[:, :-1] - table[:, :-1].mean(0)) / table[:, :-1].std(0)
    x = np.column_stack([features, np.ones(len(table))])
    return x, 2 * table[:, -1] - 1, float(np.linalg.eigvalsh(x.T @ x / len(x)).max() / 4)


PLACES = dict(zip(STARTS, np.cumsum([0] + [len(x) for x in STARTS.values()])[:-1].tolist(), strict=True))


def parts(now: dict) -> dict[str, np.ndarray]:
    """The parameters of each loss, in float64."""
    w = np.asarray(now["w"], np.float64)
    return {name: w[at : at + len(STARTS[name])] for name, at in PLACES.items()}


class Run:
    """One run on all losses, which hands out the gradients in a dtype."""

    def __init__(self, dtype: Any):
        self.dtype, self.noise = dtype, np.random.default_rng(5)
        self.start = {"w": np.concatenate([np.asarray(x, dtype) for x in STARTS.values()])}

    def gradients(self, now: dict) -> dict:
        """The slopes of all losses at these parameters; the noise is the same in every run."""
        with np.errstate(all="ignore"):  # a run may diverge
            found = {name: LOSSES[name].slope(x) for name, x in parts(now).items()}
            found["parabola"] = found["parabola"] + self.noise.normal(size=3) / 2
            return {"w": np.concatenate(list(found.values())).astype(self.dtype)}


def lowest(path: list[dict]) -> dict[str, float]:
    """The least value of each loss along a path."""
    with np.errstate(all="ignore"):
        values = [{name: float(LOSSES[name].value(x)) for name, x in parts(now).items()} for now in path]
    return {name: min(one[name] for one in values) for name in LOSSES}


@functools.cache
def levels(oracle: Callable, **hyper: Any) -> dict[str, float]:
    """How low the oracle comes, and what counts as low enough; found once for all who are held to it."""
    run, path = Run(np.float64), []
    step, now = oracle(run.start, **hyper), run.start
    for _ in range(STEPS):
        now = step(run.gradients(now))
        path.append(now)
    first = lowest([run.start])
    return {name: max(NEAR * least, NOTHING * first[name]) for name, least in lowest(path).items()}


def converges(trial: Trial, oracle: Callable) -> None:
    """Ask an optimizer for the levels of its oracle."""
    if any(ALIKE.get(keyword) == reading for keyword, reading in trial.setting.told.items()):
        return
    given = GIVEN[trial.operation]
    run = Run(DTYPES["float32" if "float32" in trial.dtypes else trial.dtypes[0]])
    path = trial.trajectory(run.start, run.gradients, rates=[None] * GRANTED, **given)
    trial.require(bool(np.isfinite(np.float64(path[-1]["w"])).all()), f"not finite any more after {GRANTED} steps")
    reached = lowest(path)
    for name, level in levels(oracle, **given | trial.readings).items():
        said = f"{name}: {reached[name]:.4g} after {GRANTED} steps, {level:.4g} is reached in {STEPS}"
        trial.require(reached[name] <= level, said)
