"""Tests of training/dropout: by how much what is kept is made larger, to the last bit."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.cases import clause
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.oracles.training.dropout import larger
from nnspec_conformance.suite.training.test_dropout import LARGE, RATE, SEED, TRAIN, rate_had, scaled
from nnspec_conformance.tolerance import exact
from nnspec_conformance.trial import Trial


@clause("dropout.scale")
def test_scale(trial: Trial, operation: str) -> None:
    for dtype in trial.dtypes:
        many = LARGE[operation]  # of which 264 units are kept at the rate 0.999
        numbers = np.resize(normal_draws(5, (997,), dtype), many)  # 997 is prime: every unit has many of them
        x = numbers + np.copysign(np.ones((), numbers.dtype), numbers)  # not so small that a half precision is 0
        for rate in (RATE, 0.999):
            y = trial.call(x, seed=SEED, rate=rate, **TRAIN)
            want = scaled(x, y, rate_had(trial, rate))
            trial.expect(y, want, f"what is kept of {dtype} at the rate {rate}", (x,))
            trial.require(
                0 < int(np.count_nonzero(y)) < y.size, f"all or nothing is kept of {dtype} at the rate {rate}"
            )


@clause("dropout.scale-by")
def test_scale_by(trial: Trial, operation: str, readings: dict) -> None:
    x, g = (np.resize(normal_draws(seed, (997,)), LARGE[operation]) for seed in (5, 6))
    for rate in (0.9, 0.95, 0.5):  # the scales 10 and 20 are numbers of float32, 0.1 and 0.05 are not; 2 and 0.5 are
        y = np.asarray(trial.call(x, seed=SEED, rate=rate, **TRAIN))
        kept = y != 0
        trial.require(0 < kept.mean() < 1, f"all or nothing is kept at the rate {rate}")
        want, slope = (exact(np.where(kept, larger(one, rate, readings["scale_by"]), 0)) for one in (x, g))
        trial.expect(y, want, f"what is kept at the rate {rate}", (x,))
        trial.expect(trial.vjp((x,), g, seed=SEED, rate=rate, **TRAIN), (slope,), f"gradient at the rate {rate}", (g,))
