"""Operands rounded at random, in all runs of an oracle at once. This module imports none of ours."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

BLOCK = 1024  # draws that are made in one go


class Runs(np.ndarray):
    """An array of one more axis, the last: what it is in each run. What is computed from it is one, too."""


class RoundedRuns:
    """The function through which a rule of one array passes its operands, so that it steps all runs at once.

    Args:
        runs: how many; the seeds are 0 to ``runs - 1``, and each run has the draws that it would have alone.
        u: the unit roundoff.
    """

    def __init__(self, runs: int, u: float):
        self.u, self.generators = u, [np.random.default_rng(seed) for seed in range(runs)]
        self.factors = np.empty((0, runs))

    def __call__(self, x: Any) -> Runs:
        """The operand in every run, each entry moved by up to a unit roundoff of its size."""
        if not isinstance(x, Runs):
            x = np.asarray(x, np.float64)[..., None]
        shape = x.shape[:-1]
        return (x * self._next(math.prod(shape)).reshape(*shape, -1)).view(Runs)

    def _next(self, count: int) -> np.ndarray:
        """The factors of the next so many entries in every run."""
        if count > len(self.factors):
            draws = np.stack([g.random(max(count, BLOCK)) for g in self.generators], -1)
            self.factors = np.concatenate([self.factors, 1 + self.u * (2 * draws - 1)])
        found, self.factors = self.factors[:count], self.factors[count:]
        return found
