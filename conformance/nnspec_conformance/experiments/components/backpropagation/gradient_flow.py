"""A.7: how does the gradient change from layer to layer of a deep network? By one factor, whatever the depth."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.experiments.components.activations.first_layer_gradient import moments
from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import geometric_interval

DEPTHS = (2, 4, 8, 16, 32)
SETTINGS = [("relu", 2.0), ("sigmoid", 2.0), ("relu", 1.0), ("relu", 4.0)]  # and the weights' variance, times n


@experiment("gradient-flow", short={"seeds": 2, "depths": (2, 4), "width": 16})
def gradient_flow(seeds: int, *, depths: tuple[int, ...] = DEPTHS, width: int = 128) -> Outcome:
    """What each layer multiplies the gradient by, at several depths, measured and predicted."""
    came, rows, series, settled = {}, [], {}, []
    measured = factors(seeds, depths, width)
    for (name, variance), factor in measured.items():  # [seeds, depths]
        mean = np.exp(np.log(factor).mean(0))
        predicted = [in_theory(name, variance, depth) for depth in depths]
        settled.append(mean[-1] / mean[len(depths) // 2])
        came[f"factor, {name}, {variance:g}/n"] = float(mean[-1])
        came_by_depth = {f"{depth} layers": value for depth, value in zip(depths, mean, strict=True)}
        rows.append({
            "activation": name,
            "weight variance": f"{variance:g}/n",
            **came_by_depth,
            f"predicted for {depths[-1]}, wide": predicted[-1],
        })  # fmt: skip
        series[f"{name}-{variance:g}"] = {"depths": depths, "measured": mean, "predicted": predicted}
    came["factor at the largest depth / at the middle one, least"] = float(min(settled))
    came["factor at the largest depth / at the middle one, largest"] = float(max(settled))
    mean, low, high = geometric_interval(measured["sigmoid", 2.0][:, -1])
    effect = Effect("factor per layer, sigmoid with variance 2/n, geometric mean", mean, (low, high))
    return Outcome(came, effect, rows, series)


def factors(seeds: int, depths: tuple[int, ...], width: int) -> dict[tuple[str, float], np.ndarray]:
    """The factor per layer, [seeds, depths] for each setting, by the reference's recursion in float32.

    With one example the gradient for a bias is that for the layer's sums.
    """
    from nnspec.components.backpropagation import backpropagation

    found = {setting: np.empty((seeds, len(depths))) for setting in SETTINGS}
    for seed in watched(range(seeds), "gradient-flow"):
        draws = np.random.default_rng(seed)
        x, label = draws.standard_normal((2, 1, width), np.float32)
        kernels = draws.standard_normal((max(depths), width, width), np.float32)
        x *= np.sqrt(width) / np.linalg.norm(x)  # mean square 1
        for (name, variance), into in found.items():
            for at, depth in enumerate(depths):
                weights = {}
                for layer in range(depth):
                    weights[f"kernel_{layer}"] = kernels[layer] * np.float32(np.sqrt(variance / width))
                    weights[f"bias_{layer}"] = np.zeros(width, np.float32)
                g = backpropagation(x, label, weights, activation=name, loss="half_squared_error")
                first, last = (np.linalg.norm(np.float64(g[f"bias_{layer}"])) for layer in (0, depth - 1))
                into[seed, at] = (first / last) ** (1 / (depth - 1))
    return found


def in_theory(name: str, variance: float, depth: int) -> float:
    """The factor per layer of infinitely wide layers: the geometric mean of the roots of chi."""
    _, chi = moments(name, variance, depth - 1)
    return float(np.prod(chi) ** (0.5 / (depth - 1)))
