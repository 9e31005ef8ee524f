"""Gradient descent with noise on a quadratic, whose rate is cut on plateaus of a loss that is measured with noise."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.oracles.training.schedules.plateau import reduce_on_plateau
from nnspec_site.figures import Theme

EVALUATIONS, STEPS = 80, 10  # so many steps of training before each evaluation
RATE, FACTOR, START = 0.2, 0.5, 100.0
PATIENCE, COOLDOWN, NOISE = 4, 0, 0.3
HIGH, LOW = 2, -4  # of the logarithms that are drawn


def errors() -> np.ndarray:
    """How many standard deviations each evaluation is off."""
    return np.round(np.random.default_rng(3).standard_normal(EVALUATIONS), 3)


def trained(patience: int, cooldown: int, noise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The expected loss at each evaluation, what is measured of it, and the rate with which training goes on."""
    m, rate = START, RATE
    losses, measured, rates = (np.empty(EVALUATIONS) for _ in range(3))
    for t, error in enumerate(errors()):
        for _ in range(STEPS):
            m = (1 - rate) ** 2 * m + rate**2
        losses[t], measured[t] = m / 2, m / 2 * np.exp(noise * error)
        rates[t] = rate = float(
            reduce_on_plateau(
                measured[: t + 1], initial=RATE, factor=FACTOR, patience=patience, min_delta=0.0,
                min_delta_is="absolute", floor=0.0, cooldown=cooldown, dtype="float64",
            )[-1]
        )  # fmt: skip
    return losses, measured, rates


def draw(theme: Theme) -> Figure:
    """The loss, its evaluations, and the rate, on a logarithmic scale."""
    loss, measured, rates = trained(PATIENCE, COOLDOWN, NOISE)
    figure, ax = plt.subplots(figsize=theme.size(0.6))
    ax.semilogy(measured, "o", color=theme.colors[0], markersize=2.5, label="loss, measured")
    ax.semilogy(loss, color=theme.colors[0], label="loss, expected")
    ax.semilogy(rates, color=theme.colors[1], linestyle="--", drawstyle="steps-post", label="rate")
    ax.set(xlabel="evaluation, one every 10 steps", ylim=(10.0**LOW, 10.0**HIGH))
    ax.legend(loc="upper right")
    return figure


def numbers() -> dict:
    """How training goes, and where the sliders stand first."""
    return {
        "steps": STEPS, "rate": RATE, "factor": FACTOR, "start": START, "high": HIGH, "low": LOW,
        "patience": PATIENCE, "cooldown": COOLDOWN, "noise": NOISE, "errors": errors().tolist(),
    }  # fmt: skip
