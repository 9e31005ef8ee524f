"""Tests of penalties: where the training of a linear model ends, as ridge and lasso have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.cases import clause
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.oracles.training import regularization as oracle
from nnspec_conformance.suite.training.test_regularization import SHAPE
from nnspec_conformance.tolerance import carried, unit
from nnspec_conformance.trial import Trial

STRENGTH, STEPS = 0.25, 64  # a step leaves less than two thirds of the distance


def model() -> tuple[np.ndarray, np.ndarray]:
    """Twelve examples of four centred features that depend on each other, and goals that two of them explain."""
    draws = np.random.default_rng(75)
    a = draws.normal(size=(12, 4)) @ (np.eye(4) + 0.125)
    a = (a - a.mean(0)) / a.std(0)
    b = a @ [1.5, -1.0, 0.125, 0.0625] + 0.25 * draws.normal(size=12)
    return a, b - b.mean()


def walk(dtype: str, step: Callable, least: float, goal: np.ndarray) -> tuple[np.ndarray, float]:
    """The parameters after all steps, and how far from the goal rounding may keep them.

    Args:
        dtype: in which the parameters are kept.
        step: from parameters and rate to the next parameters.
        least: what the penalty adds to every curvature.
        goal: where the steps have to end.
    """
    a, _ = model()
    curvatures = np.linalg.eigvalsh(a.T @ a / len(a)) + least
    rate = float(2 / (curvatures.min() + curvatures.max()))
    left = (curvatures.max() - curvatures.min()) / (curvatures.max() + curvatures.min())  # of the distance, by a step
    x = np.zeros(len(goal), DTYPES[dtype])
    with np.errstate(all="ignore"):  # wrong slopes may lead anywhere
        for _ in range(STEPS):
            x = np.asarray(step(x, rate), DTYPES[dtype])
    size = float(np.linalg.norm(goal))
    rounding = 12 * unit(dtype) * 2 * size  # a slope of four roundings and a step of two, of parameters twice as large
    return x, left**STEPS * size + rounding / (1 - left)


@clause("l2-penalty.ridge")
def test_ridge(trial: Trial, readings: dict) -> None:
    (a, b), pull = model(), STRENGTH * (1 if readings["factor"] == "half" else 2)
    goal = oracle.ridge(a, b, strength=STRENGTH, factor=readings["factor"])
    for dtype in [name for name in ("float32", "float64") if name in trial.dtypes]:
        one = np.asarray(1, DTYPES[dtype])

        def step(x: np.ndarray, rate: float, one: np.ndarray = one) -> np.ndarray:
            (slope,) = trial.vjp((x,), one, strength=STRENGTH)
            return x - rate * (a.T @ (a @ np.float64(x) - b) / len(b) + np.float64(slope))

        x, off = walk(dtype, step, pull, goal)
        trial.expect(x, carried(goal, np.full(4, off), dtype), f"parameters after {STEPS} steps, {dtype}")


@clause("soft-threshold.fixed-point")
def test_fixed_point(trial: Trial) -> None:
    a, b = model()
    goal = oracle.lasso(a, b, strength=STRENGTH)
    for dtype in [name for name in ("float32", "float64") if name in trial.dtypes]:

        def step(x: np.ndarray, rate: float, dtype: str = dtype) -> Any:
            before = x - rate * (a.T @ (a @ np.float64(x) - b) / len(b))
            shrunk = trial.call(np.resize(before, SHAPE).astype(DTYPES[dtype]), threshold=rate * STRENGTH)
            return np.ravel(shrunk)[: len(x)]

        x, off = walk(dtype, step, 0.0, goal)
        allowed = np.where(goal == 0, 0.0, off)
        trial.expect(x, carried(goal, allowed, dtype), f"parameters after {STEPS} steps, {dtype}")
