"""A.7: how does the gradient change from layer to layer of a deep network? By one factor, whatever the depth."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.components.activations.first_layer_gradient import moments
from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import geometric_interval

DEPTHS = (2, 4, 8, 16, 32)
SETTINGS = [("relu", 2.0), ("sigmoid", 2.0), ("relu", 1.0), ("relu", 4.0)]  # and the weights' variance, times n
STARTS = {"output less label": "", "random direction": ", random direction"}  # the gradient at the output


@experiment("gradient-flow", short={"seeds": 2, "depths": (2, 3), "width": 16})
def gradient_flow(seeds: int, *, depths: tuple[int, ...] = DEPTHS, width: int = 128) -> Outcome:
    """What each layer multiplies the gradient by, at several depths, measured and predicted."""
    came: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    series: dict[str, Any] = {}
    measured = factors(seeds, depths, width)
    for start, words in STARTS.items():
        changes = []
        for name, variance in SETTINGS:
            mean = np.exp(np.log(measured[name, variance, start]).mean(0))  # [depths]
            predicted = [in_theory(name, variance, depth) for depth in depths]
            came[f"factor, {name}, {variance:g}/n{words}"] = float(mean[-1])
            changes.append(abs(np.log(mean[-1] / mean[len(depths) // 2])))
            rows.append({
                "activation": name,
                "weight variance": f"{variance:g}/n",
                "gradient at the output": start,
                **{f"{depth} layers": value for depth, value in zip(depths, mean, strict=True)},
                f"predicted for {depths[-1]}, wide": predicted[-1],
            })  # fmt: skip
            series[f"{name}-{variance:g}{words}"] = {"depths": depths, "measured": mean, "predicted": predicted}
        came[f"change with depth{words}"] = float(np.exp(max(changes)))
    mean, low, high = geometric_interval(measured["sigmoid", 2.0, "output less label"][:, -1])
    effect = Effect("factor per layer, sigmoid with variance 2/n, geometric mean", mean, (low, high))
    return Outcome(came, effect, rows, series)


def factors(seeds: int, depths: tuple[int, ...], width: int) -> dict[tuple[str, float, str], np.ndarray]:
    """The factor per layer, [seeds, depths] for each setting and start, by the reference's recursion in float32."""
    found = {(*setting, start): np.empty((seeds, len(depths))) for setting in SETTINGS for start in STARTS}
    for seed in watched(range(seeds), "gradient-flow"):
        draws = np.random.default_rng(seed)
        x, label = draws.standard_normal((2, 1, width), np.float32)
        kernels = draws.standard_normal((max(depths), width, width), np.float32)
        direction = draws.standard_normal((1, width), np.float32)
        x *= np.sqrt(width) / np.linalg.norm(x)  # mean square 1
        direction /= np.linalg.norm(direction)
        for name, variance in SETTINGS:
            for at, depth in enumerate(depths):
                scaled = kernels[:depth] * np.float32(np.sqrt(variance / width))
                output = backward(x, 0 * label, scaled, name)[1]
                turned = output - direction * np.linalg.norm(output)  # with this label the gradient is the direction
                for start, t in zip(STARTS, (label, turned), strict=True):
                    first, last = (np.linalg.norm(np.float64(g)) for g in backward(x, t, scaled, name))
                    found[name, variance, start][seed, at] = (first / last) ** (1 / (depth - 1))
    return found


def backward(x: np.ndarray, label: np.ndarray, kernels: np.ndarray, activation: Any) -> tuple[np.ndarray, np.ndarray]:
    """The gradients for the sums of the first and of the last layer: with one example they are those of the biases."""
    from nnspec.components.backpropagation import backpropagation

    weights = {}
    for layer, kernel in enumerate(kernels):
        weights |= {f"kernel_{layer}": kernel, f"bias_{layer}": np.zeros(len(kernel), np.float32)}
    g = backpropagation(x, label, weights, activation=activation, loss="half_squared_error")
    return np.asarray(g["bias_0"]), np.asarray(g[f"bias_{len(kernels) - 1}"])


def in_theory(name: str, variance: float, depth: int) -> float:
    """The factor per layer of infinitely wide layers: the geometric mean of the roots of chi."""
    _, chi = moments(name, variance, depth - 1)
    return float(np.prod(chi) ** (0.5 / (depth - 1)))
