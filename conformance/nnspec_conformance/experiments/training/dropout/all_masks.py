"""C.7.1: what dropout keeps on average, over all masks: the numbers of a linear layer, and of what behind it?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.oracles.training.dropout import moments

RATES = (0.1, 0.5, 0.9)
EXAMPLE, WEIGHTS = np.array([1.0, 2.0, 3.0]), np.array([2.0, 1.0, -1.0])  # of the page's table


@experiment("dropout-all-masks", short={"inputs": 4, "layers": 1})
def dropout_all_masks(*, inputs: int = 10, layers: int = 5) -> Outcome:
    """Means over 2^inputs masks, of layers whose numbers are drawn, beside what comes without dropout."""
    answer = lambda x: x @ WEIGHTS  # noqa: E731
    mean, variance = moments(answer, EXAMPLE, rate=0.5)
    behind, _ = moments(lambda x: np.maximum(answer(x), 0), EXAMPLE, rate=0.5)
    rows: list[dict[str, Any]] = []
    for rate in RATES:
        of_all = [of_layer(np.random.default_rng(seed), inputs, rate) for seed in range(layers)]
        rows.append({"rate": rate} | {name: max(of[name] for of in of_all) for name in of_all[0]})
    came = {
        "mean answer, example": float(mean),
        "variance of the answer, example": float(variance),
        "mean behind ReLU, example": float(behind),
    } | {f"largest error, {name}": max(row[name] for row in rows) for name in rows[0] if name != "rate"}
    gained = float(behind - max(EXAMPLE @ WEIGHTS, 0))
    return Outcome(came, Effect("mean behind ReLU less ReLU without dropout", gained, (gained, gained)), rows)


def of_layer(random: np.random.Generator, inputs: int, rate: float) -> dict[str, float]:
    """How far each mean over all masks lies from its formula, of a layer of three outputs."""
    x, kernel, target = random.normal(0, 1, inputs), random.normal(0, 1, (inputs, 3)), random.normal(0, 1, 3)
    z, spread = x @ kernel, rate / (1 - rate) * (x**2 @ kernel**2)

    def far(function: Callable, want: np.ndarray) -> float:
        return float(np.abs(moments(function, x, rate=rate)[0] - want).max())

    def linear(x: np.ndarray) -> np.ndarray:
        return x @ kernel

    def softmax(z: np.ndarray) -> np.ndarray:
        power = np.exp(z - z.max())
        return power / power.sum()

    logarithms, _ = moments(lambda x: np.log(softmax(linear(x))), x, rate=rate)
    return {
        "mean of a linear layer": far(linear, z),
        "variance of a linear layer": float(np.abs(moments(linear, x, rate=rate)[1] - spread).max()),
        "mean squared error with its penalty": far(lambda x: (linear(x) - target) ** 2, (z - target) ** 2 + spread),
        "geometric mean of a softmax": float(np.abs(softmax(logarithms) - softmax(z)).max()),
        "mean of a softmax": far(lambda x: softmax(linear(x)), softmax(z)),
        "mean behind ReLU": far(lambda x: np.maximum(linear(x), 0), np.maximum(z, 0)),
    }
