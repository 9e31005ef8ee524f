"""B.2.1: how far a truncated gradient is off, by the length of the window."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

FEATURES, BATCH, FACTOR, DEVIATION = 4, 16, 0.95, 0.25
WINDOWS = (1, 2, 5, 10, 20, 40)


@experiment("truncated-backpropagation", short={"seeds": 1, "units": 8, "windows": (1, 40)})
def truncated_backpropagation(*, seeds: int = 5, units: int = 32, windows: tuple[int, ...] = WINDOWS) -> Outcome:
    """So many networks of so many units, each with all these windows."""
    found = np.array([errors(seed, units, windows) for seed in range(seeds)])
    mean = dict(zip(windows, found.mean(0).tolist(), strict=True))
    came = {f"error, window {k}": mean[k] for k in (1, 10, 20, 40) if k in mean}
    chosen = windows.index(10) if 10 in windows else 0
    column = found[:, chosen]
    effect = Effect(
        f"error with a window of {windows[chosen]}", float(column.mean()), (float(column.min()), float(column.max()))
    )
    rows = [
        {"window": k, "error": float(c.mean()), "least": float(c.min()), "largest": float(c.max())}
        for k, c in zip(windows, found.T, strict=True)
    ]
    note = None
    if 1 in mean and 10 in mean:
        rate = (mean[10] / mean[1]) ** (1 / 9)
        note = (
            f"From a window of 1 to one of 10 each step more leaves {rate:.2f} of the error, where 0.85 was expected."
        )
    return Outcome(came, effect, rows, {"windows": list(windows), "errors": found.tolist()}, note)


def errors(seed: int, units: int, windows: tuple[int, ...]) -> list[float]:
    """The relative error of the gradient for the recurrent kernel with each window."""
    from nnspec.architectures.recurrent import elman, elman_truncated

    rng = np.random.default_rng(seed)
    steps = max(windows)
    x = rng.standard_normal((BATCH, steps, FEATURES)).astype(np.float32)
    weights = {
        "kernel": (DEVIATION * rng.standard_normal((FEATURES, units))).astype(np.float32),
        "recurrent_kernel": (FACTOR * np.linalg.qr(rng.standard_normal((units, units)))[0]).astype(np.float32),
        "bias": np.zeros(units, np.float32),
    }
    g = rng.standard_normal((BATCH, units)).astype(np.float32)

    def gradient(f: Any, **given: Any) -> np.ndarray:
        return np.asarray(program(f, **given)(weights, x, g), np.float64)

    whole = gradient(elman)
    size = np.linalg.norm(whole)
    return [float(np.linalg.norm(gradient(elman_truncated, window=k) - whole) / size) for k in windows]


@functools.cache
def program(f: Any, **given: Any) -> Any:
    """The gradient of a linear function of the last state for the recurrent kernel, compiled once."""
    import jax

    def loss(weights: dict, x: Any, g: Any) -> Any:
        return (g * f(x, weights, activation="tanh", **given)[:, -1]).sum()

    return jax.jit(lambda weights, x, g: jax.grad(loss)(weights, x, g)["recurrent_kernel"])
