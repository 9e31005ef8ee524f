"""B.2.1: the norm of the gradient through time beside its bound, and a gradient that grows before it falls."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

LARGEST = 0.99  # singular value
GROWTH = np.array([[0.9, 5.0], [0.0, 0.9]], np.float32)


@experiment("recurrent-gradients", short={"seeds": 2, "units": 8, "longest": 10})
def recurrent_gradients(*, seeds: int = 10, units: int = 32, steps: int = 10, longest: int = 20) -> Outcome:
    """So many kernels of so many units, over so many steps; the growing kernel up to the longest sequence."""
    found: dict[str, list[float]] = {"Gaussian": [], "orthogonal": [], "Gaussian with inputs": []}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        gaussian, turn = rng.standard_normal((units, units)), np.linalg.qr(rng.standard_normal((units, units)))[0]
        gaussian = (LARGEST * gaussian / np.linalg.norm(gaussian, 2)).astype(np.float32)
        x = np.stack([np.zeros((steps, units)), rng.standard_normal((steps, units))]).astype(np.float32)
        kernel = rng.standard_normal((units, units)).astype(np.float32) / np.float32(units**0.5)
        for name, recurrent, given in (
            ("Gaussian", gaussian, x[0]),
            ("orthogonal", (LARGEST * turn).astype(np.float32), x[0]),
            ("Gaussian with inputs", gaussian, x[1]),
        ):
            weights = {"kernel": kernel, "recurrent_kernel": recurrent, "bias": np.zeros(units, np.float32)}
            norm = np.linalg.norm(jacobians("tanh")(given, weights, np.zeros(units, np.float32))[-1], 2)
            found[name].append(float(float(norm) / np.linalg.norm(recurrent.astype(np.float64), 2) ** steps))
    norms = growth(longest)
    came = {f"norm over bound, {name}": float(np.mean(values)) for name, values in found.items()}
    came |= {"step of the largest norm": float(np.argmax(norms) + 1), "largest norm": float(np.max(norms))}
    ratios = found["Gaussian"]
    effect = Effect("norm over bound, Gaussian at rest", float(np.mean(ratios)), (min(ratios), max(ratios)))
    rows: list[dict[str, Any]] = [
        {"recurrent kernel": name, "mean": float(np.mean(v)), "least": min(v), "largest": max(v)}
        for name, v in found.items()
    ]
    return Outcome(came, effect, rows, {"ratios": found, "growth": norms})


def growth(steps: int) -> list[float]:
    """The norms after each step of the growing kernel, where ReLU is on at all steps."""
    weights = {"kernel": np.zeros((1, 2), np.float32), "recurrent_kernel": GROWTH, "bias": np.ones(2, np.float32)}
    found = jacobians("relu")(np.zeros((steps, 1), np.float32), weights, np.ones(2, np.float32))
    return [float(np.linalg.norm(j, 2)) for j in np.asarray(found, np.float64)]


@functools.cache
def jacobians(activation: Any) -> Callable[..., Any]:
    """The derivatives of the states of the reference by the carry, compiled once for each shape."""
    import jax

    from nnspec.architectures.recurrent import elman

    def states(carry: Any, x: Any, weights: dict) -> Any:
        return elman(x[None], weights, carry[None], activation=activation)[0]

    return jax.jit(lambda x, weights, carry: jax.jacfwd(states)(carry, x, weights))
