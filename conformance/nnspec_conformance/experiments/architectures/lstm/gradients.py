"""A.9.3: the gradient of the first input beside that of the last, through a new LSTM and a new Elman network."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

ELMAN, LSTM = "Elman", "LSTM, forget bias"
CELL = "LSTM without recurrent kernels, forget bias"
BIASES = (0, 1, 4)
NOTE = (
    "The estimate of the LSTM left the way through the gates out, and was that of the cell alone: without recurrent "
    "kernels {} came with bias 0, 1 and 4. Through the recurrent kernels more reaches the first input, also with "
    "forget bias 0, where the LSTM is level with the Elman network. The rows without recurrent kernels were added once "
    "the result was known."
)


@experiment("lstm-gradients", short={"seeds": 2, "units": 8, "steps": 20})
def lstm_gradients(*, seeds: int = 10, units: int = 32, steps: int = 100, features: int = 8) -> Outcome:
    """So many new layers of each kind, of so many units, over so many steps."""
    import jax

    curves: dict[str, list[np.ndarray]] = {ELMAN: [], **{f"{kind} {b}": [] for kind in (LSTM, CELL) for b in BIASES}}
    with jax.enable_x64(True):
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            x, read = rng.standard_normal((1, steps, features)), rng.standard_normal(units)
            elman = {
                "kernel": rng.standard_normal((features, units)) / features**0.5,
                "recurrent_kernel": rng.standard_normal((units, units)) / units**0.5,
                "bias": np.zeros(units),
            }
            curves[ELMAN].append(norms("elman")(x, elman, read))
            for bias in BIASES:
                weights = start(seed, features, units, bias)
                curves[f"{LSTM} {bias}"].append(norms("lstm")(x, weights, read))
                cell = {name: 0 * w if name.startswith("recurrent") else w for name, w in weights.items()}
                curves[f"{CELL} {bias}"].append(norms("lstm")(x, cell, read))
    powers = {name: np.array([curve[0] - curve[-1] for curve in found]) for name, found in curves.items()}
    gain = powers[f"{LSTM} 1"] - powers[ELMAN]
    came = {f"powers of ten, {name}": float(found.mean()) for name, found in powers.items() if CELL not in name}
    came |= {
        f"over Elman, forget bias {b}": float((powers[f"{LSTM} {b}"] - powers[ELMAN]).mean()) for b in BIASES
    }  # fmt: skip
    effect = Effect(
        "powers of ten over Elman, forget bias 1", float(gain.mean()), (float(gain.min()), float(gain.max()))
    )
    rows = [
        {"layer": name, "powers of ten, mean": float(p.mean()), "least": float(p.min()), "largest": float(p.max())}
        for name, p in powers.items()
    ]
    means = {name: (np.mean(found, 0) - np.mean(found, 0)[-1]).tolist() for name, found in curves.items()}
    return Outcome(came, effect, rows, means, noted(powers))


def noted(powers: dict[str, np.ndarray]) -> str:
    """Why it came otherwise than predicted."""
    alone = ", ".join(f"{powers[f'{CELL} {b}'].mean():.1f}".replace("-", "−") for b in BIASES)
    return NOTE.format(alone)


def start(seed: int, features: int, units: int, bias: float) -> dict[str, Any]:
    """The weights of a new layer, the same for every bias but for it."""
    import jax

    from nnspec.architectures.lstm import lstm_start

    return lstm_start(jax.random.key(seed), features, units, forget_bias=float(bias), dtype=np.dtype(np.float64))


@functools.cache
def norms(layer: Any) -> Callable[..., np.ndarray]:
    """The logarithms of the norms of the gradient of a sum of the last state by the input of each step."""
    import jax

    from nnspec.architectures import lstm, recurrent

    def loss(x: Any, weights: dict, read: Any) -> Any:
        if layer == "lstm":
            return lstm.lstm(x, weights)[1][0] @ read
        return recurrent.elman(x, weights, activation="tanh", outputs="last")[0] @ read

    derivative = jax.jit(jax.grad(loss))

    def found(x: np.ndarray, weights: dict, read: np.ndarray) -> np.ndarray:
        return np.log10(np.linalg.norm(np.asarray(derivative(x, weights, read))[0], axis=-1))

    return found
