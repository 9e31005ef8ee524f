"""A.9.2: what a linear read-out of the state tells of earlier inputs, with and without a recurrent kernel."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

FACTOR, DEVIATION = 0.95, 0.1
WARM = 100  # steps before the first state that is read
NEAR, MIDDLE, FAR = 5, 20, 60


@experiment("recurrent-memory", short={"seeds": 1, "units": 8, "steps": 600})
def recurrent_memory(*, seeds: int = 5, units: int = 32, steps: int = 3000) -> Outcome:
    """So many networks of so many units that read so many inputs."""
    with_kernel = np.array([explained(seed, units, steps, FACTOR) for seed in range(seeds)])
    without = np.array([explained(seed, units, steps, 0.0) for seed in range(seeds)])
    held, curve, control = with_kernel.sum(1), with_kernel.mean(0), without.mean(0)
    came = {
        "R², 5 steps ago": float(curve[NEAR]),
        "R², 20 steps ago": float(curve[MIDDLE]),
        "R², 60 steps ago": float(curve[FAR]),
        "R², 5 steps ago without recurrence": float(control[NEAR]),
        "inputs held": float(held.mean()),
    }
    effect = Effect("inputs held by 32 units", float(held.mean()), (float(held.min()), float(held.max())))
    rows = [
        {"steps ago": k, "R²": float(curve[k]), "R² without recurrence": float(control[k])}
        for k in (0, 1, 5, 10, 20, 30, 40, 60)
    ]
    return Outcome(came, effect, rows, {"with": curve.tolist(), "without": control.tolist()})


def explained(seed: int, units: int, steps: int, factor: float) -> np.ndarray:
    """R² of the input of k steps ago, for every k, on states that the read-out has not seen."""
    inputs, states = run(seed, units, steps, factor)
    split = 2 * steps // 3
    design = np.concatenate([states, np.ones((steps, 1))], 1)
    found = []
    for k in range(FAR + 1):
        target = np.roll(inputs, k)
        weights = np.linalg.lstsq(design[WARM:split], target[WARM:split], rcond=None)[0]
        left = target[split:] - design[split:] @ weights
        found.append(1 - left.var() / target[split:].var())
    return np.array(found)


def run(seed: int, units: int, steps: int, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """The inputs and the states of the reference."""
    import jax

    from nnspec.architectures.recurrent import elman

    rng = np.random.default_rng(seed)
    inputs = rng.uniform(-1, 1, steps)
    weights = {
        "kernel": DEVIATION * rng.standard_normal((1, units)),
        "recurrent_kernel": factor * np.linalg.qr(rng.standard_normal((units, units)))[0],
        "bias": np.zeros(units),
    }
    with jax.enable_x64(True):
        states = elman(jax.numpy.asarray(inputs[None, :, None]), weights, activation="tanh")
    return inputs, np.asarray(states)[0]
