"""C.2.3: does the noise of single examples keep gradient descent with a constant rate away from the minimum?"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.statistics import mean_interval
from nnspec_conformance.experiments.training.stochastic_gradient_descent import regression

NOISE, LOOKS, LAST = 0.1, 10, 5  # LAST epochs are the plateau
SHAPES = ("constant", "twice", "falling")


@experiment("sgd-oscillation", short={"seeds": 2, "examples": 200, "epochs": 15})
def oscillation(seeds: int, *, examples: int = 1000, epochs: int = 60) -> Outcome:
    """The plateau at three rates and without noise, updates that raise the loss, noise over signal."""
    orders = regression.orders(seeds, examples, epochs)
    x, y = regression.stacked(seeds, examples, NOISE)
    clean = regression.stacked(seeds, examples, 0.0)
    paths = {shape: regression.single(x, y, orders, rates(shape, examples, epochs)) for shape in SHAPES}
    found = {shape: plateau(path, x, y, examples) for shape, path in paths.items()}
    without = plateau(regression.single(*clean, orders), *clean, examples)
    raises, ends = [], []
    for seed in range(seeds):
        last = paths["constant"][seed, -examples - 1 :]
        raises.append(float(np.mean(np.diff(regression.excess(last, x[seed], y[seed])) > 0)))
        ends.append(np.mean([noise_over_signal(one, x[seed], y[seed]) for one in last[:: examples // LOOKS]], 0))
    starts = [noise_over_signal(np.zeros(10), x[seed], y[seed]) for seed in range(seeds)]
    mean, low, high = mean_interval(found["constant"])
    came = {
        "plateau": mean,
        "plateau with twice the rate, over it": float(np.mean(found["twice"])) / mean,
        "plateau with the falling rate, over it": float(np.mean(found["falling"])) / mean,
        "plateau without noise": float(np.mean(without)),
        "share of updates that raise the loss": float(np.mean(raises)),
        "variance over squared mean, start": quotient(starts),
        "variance over squared mean, end": quotient(ends),
    }
    rows: list[dict[str, Any]] = [
        {"rate": name, "labels": labels, "plateau": float(np.mean(values))}
        for name, labels, values in (*((s, "noisy", found[s]) for s in SHAPES), ("constant", "exact", without))
    ]
    return Outcome(came, Effect("plateau, in units of the excess at the start", mean, (low, high)), rows)


def plateau(path: np.ndarray, x: np.ndarray, y: np.ndarray, examples: int) -> list[float]:
    """The mean excess of the last epochs, for each seed."""
    ends = path[:, -LAST * examples :: examples // LOOKS]
    return [float(regression.excess(one, x[seed], y[seed]).mean()) for seed, one in enumerate(ends)]


def rates(shape: str, examples: int, epochs: int) -> np.ndarray:
    """The rate of each update: constant, or falling as 1 over 1, 2, 3, ... epochs after the first third."""
    epoch = np.repeat(np.arange(epochs), examples)
    if shape == "falling":
        return regression.RATE / (1 + np.maximum(epoch - epochs // 3, 0))
    return np.full(epoch.size, regression.RATE * (2 if shape == "twice" else 1))


def noise_over_signal(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The variance of the gradient of one example, and the squared length of the mean gradient."""
    x, y, w = (np.asarray(given, np.float64) for given in (x, y, w))
    gradients = (x @ w - y)[:, None] * x
    mean = gradients.mean(0)
    return float(((gradients - mean) ** 2).sum(1).mean()), float(mean @ mean)


def quotient(pairs: Any) -> float:
    """The mean of the first numbers over the mean of the second."""
    noise, signal = np.mean(np.array(pairs), 0)
    return float(noise / signal)
