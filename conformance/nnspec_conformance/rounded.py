"""Operands rounded at random, and how far runs of an oracle reach with them. This module imports none of ours."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

BLOCK = 1024  # draws that are made in one go
FEW = 8  # rounded runs that are made of a duty's questions, unless something is not within these
AT_FIRST = (3, 6)  # of them that are made first, while an answer takes more of its tolerance than all before it
_most_runs: ContextVar[int | None] = ContextVar("most rounded runs", default=None)


@contextlib.contextmanager
def at_most(runs: int) -> Iterator[None]:
    """While this holds, a spread is that of the first so many runs, which is never larger than that of all of them.

    What lies within it passes; what does not says nothing yet. With 0 for who wants to know the values alone.
    """
    limit = _most_runs.get()
    token = _most_runs.set(runs if limit is None else min(runs, limit))
    try:
        yield
    finally:
        _most_runs.reset(token)


def most_runs() -> int | None:
    """How many rounded runs are made at most, None where there is no limit; who keeps spreads keeps them by it."""
    return _most_runs.get()


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
        return (x * self._next(math.prod(shape)).reshape(*shape, len(self.generators))).view(Runs)

    def _next(self, count: int) -> np.ndarray:
        """The factors of the next so many entries in every run."""
        if count > len(self.factors):
            draws = np.stack([g.random(max(count, BLOCK)) for g in self.generators], -1)
            self.factors = np.concatenate([self.factors, 1 + self.u * (2 * draws - 1)])
        found, self.factors = self.factors[:count], self.factors[count:]
        return found


class Reach:
    """How far runs with rounded operands come from the one without; they are made when somebody asks.

    Args:
        centre: the arrays of the run without.
        make: those of a run, of its seed.
    """

    def __init__(self, centre: list[np.ndarray], make: Callable[[int], list[np.ndarray]]):
        self.centre, self.make = centre, make
        self.floating = np.geterr()  # who asks later than the oracle was asked has no part in how it calculates
        self.made, self.reached = 0, list[np.ndarray]()

    def after(self, count: int) -> list[np.ndarray]:
        """The largest deviation of each array in the first so many runs, or in more if more have been made."""
        if self.made < count:
            with np.errstate(**self.floating), warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # the run without has given it
                self._go_on(count)
            self.made = count
        return self.reached

    def _go_on(self, count: int) -> None:
        for seed in range(self.made, count):
            moved = [np.abs(x - value) for x, value in zip(self.make(seed), self.centre, strict=True)]
            both = zip(self.reached, moved, strict=True) if self.reached else None
            self.reached = moved if both is None else [np.maximum(a, b) for a, b in both]


class Together(Reach):
    """The same of an oracle that makes all runs at once, along one more axis of every array, the last."""

    def _go_on(self, count: int) -> None:
        both = zip(self.make(count), self.centre, strict=True)
        self.reached = [np.abs(np.asarray(x) - value[..., None]).max(-1) for x, value in both]
