"""C.5.1: gradient descent with noise on a quadratic, by formula and by chains, for six schedules."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.training.schedules.rates import HIGH, LOW, schedules

START, NEAR = 10.0, 0.2


@experiment("schedule-noise", short={"steps": 40, "chains": 50})
def schedule_noise(*, steps: int = 2000, chains: int = 10_000) -> Outcome:
    """So many steps of so many chains, for each schedule."""
    came: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    curves: dict[str, list[float]] = {}
    ends: dict[str, float] = {}
    reached: dict[str, int] = {}
    worst = 0.0
    for seed, (name, rates) in enumerate(schedules(steps).items()):
        losses, off = expected(rates), sampled(rates, chains, seed)
        curves[name] = losses.tolist()
        ends[name] = float(losses[-1])
        below = np.flatnonzero(losses < NEAR)
        reached[name] = int(below[0]) if len(below) else steps
        standard_errors = abs(off.mean() - ends[name]) / (off.std() / chains**0.5)
        worst = max(worst, float(standard_errors))
        came |= {f"loss, {name}": ends[name], f"step below 0.2, {name}": float(reached[name])}
        rows.append({
            "schedule": name,
            "loss at the end": ends[name],
            "of the chains": float(off.mean()),
            "standard errors apart": float(standard_errors),
            "first step below 0.2": reached[name],
        })  # fmt: skip
    ratio = ends[f"constant {HIGH}"] / ends["cosine"]
    came |= {
        "loss, constant 0.2 over cosine": ratio,
        "step below 0.2, constant 0.02 over cosine": reached[f"constant {LOW}"] / reached["cosine"],
        "chains off by, standard errors": worst,
    }
    return Outcome(
        came, Effect("loss of the constant high rate over that of cosine decay", ratio, (ratio, ratio)), rows, curves
    )


def expected(rates: np.ndarray) -> np.ndarray:
    """The expected loss before each step and after the last, by the recursion of the mean square."""
    m = START**2
    found = [m / 2]
    for rate in rates:
        m = (1 - rate) ** 2 * m + rate**2
        found.append(m / 2)
    return np.array(found)


def sampled(rates: np.ndarray, chains: int, seed: int) -> np.ndarray:
    """The loss of each chain after the last step."""
    rng, w = np.random.default_rng(seed), np.full(chains, START)
    for rate in rates:
        w -= rate * (w + rng.standard_normal(chains))
    return w**2 / 2
