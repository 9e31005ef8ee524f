"""What a random map may answer: which numbers the definition can draw in each place, as the oracle shows it.

Two implementations have other draws from the same seed, so that no answer can be compared with another one. But where
the oracle has two numbers in a place, however often it draws, an answer has one of these; else it lies in their range,
or not far from it; and where the oracle's numbers differ, those of an implementation differ, too.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from ml_dtypes import finfo

from nnspec_conformance.adapters import numpy_oracle
from nnspec_conformance.dtypes import DTYPES, is_float
from nnspec_conformance.functions import fingerprint
from nnspec_conformance.home import Home
from nnspec_conformance.keywords import with_defaults
from nnspec_conformance.loading import joined
from nnspec_conformance.programs import flattened
from nnspec_conformance.tolerance import Want
from nnspec_conformance.trees import mapped

SEEDS = 64  # of the oracle
OFTEN = 8  # of them, at the least, for each of two numbers that are all there are
BEYOND = 3  # widths of the range of the draws by which an answer may lie outside of it, where it is no pair
TAME = 10  # times the middle half of the draws is their range at most: of normal ones it is four times
UNITS = 16.0  # eps of the largest number, as for neighbours
MOST = 200  # questions kept
_ORACLE = joined(numpy_oracle)
_KEPT: dict[Any, Any] = {}


@dataclass(frozen=True)
class Drawn:
    """One array of an answer, as the oracle draws it.

    Attributes:
        low: the least number in each place, NaN where there was one.
        high: the largest.
        pair: whether there are these two and no other.
        fixed: whether nothing is drawn, in no place.
        broken: how often there was NaN in each place, as a share.
        tame: whether the middle half of the draws spans a tenth of all; else a rare draw may lie far outside of them.
    """

    low: np.ndarray
    high: np.ndarray
    pair: np.ndarray
    fixed: bool
    broken: np.ndarray
    tame: np.ndarray

    @property
    def moves(self) -> np.ndarray:
        """Where the numbers differ from seed to seed."""
        return self.low < self.high

    def want(self, got: np.ndarray, dtype: str) -> Want:
        """What an answer should have been: in each place the nearest number that can be drawn, and none is asked twice.

        Args:
            got: the answer; one of another shape is told by its shape.
            dtype: of the question.
        """
        known = np.isfinite(self.low) & np.isfinite(self.high)
        sizes = np.abs(np.concatenate([np.ravel(self.low[known]), np.ravel(self.high[known])]))
        allowed = UNITS * float(finfo(DTYPES[dtype]).eps) * sizes.max(initial=0.0) * np.ones(self.low.shape)
        if got.shape != self.low.shape:
            return Want(self.low, allowed, np.zeros(self.low.shape), dtype, "what can be drawn")
        wide = got.astype(np.float64)
        with np.errstate(invalid="ignore"):
            width = BEYOND * (self.high - self.low)
            inside = np.clip(wide, self.low - width, self.high + width)
            nearest = np.where(np.abs(wide - self.low) <= np.abs(wide - self.high), self.low, self.high)
        value = np.where(self.pair | self.fixed, nearest, np.where(self.moves & self.tame, inside, wide))
        value = np.where(known, np.where(np.isnan(value), self.low, value), wide)
        return Want(value, allowed, np.zeros(value.shape), dtype, "what can be drawn")


def drawn(home: Home, arrays: tuple, cotangents: Any = None) -> list[Drawn]:
    """Each array of the answer, or with cotangents of the gradient, as it can be; kept for the next time."""
    key = fingerprint((home.operation.name, dict(home.readings), home.attributes, arrays, cotangents))
    if key not in _KEPT:
        while len(_KEPT) > MOST:
            del _KEPT[next(iter(_KEPT))]
        _KEPT[key] = _drawn(home, arrays, cotangents)
    return _KEPT[key]


def _drawn(home: Home, arrays: tuple, cotangents: Any) -> list[Drawn]:
    names = {attribute.name for attribute in home.operation.attributes}
    told = {name: reading for name, reading in home.readings.items() if name in names}
    given = told | with_defaults(home.operation, home.attributes)
    function = getattr(_ORACLE, home.operation.name + ("" if cotangents is None else "_vjp"))
    handed = mapped(_wide, arrays if cotangents is None else (*arrays, cotangents))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        answers = [flattened(function(*handed, **given | {"seed": seed})) for seed in range(SEEDS)]
        found = [_seen(np.stack([np.asarray(y) for y in ys])) for ys in zip(*answers, strict=True)]
    return [replace(one, fixed=all(other.fixed for other in found)) for one in found]


def _seen(answers: np.ndarray) -> Drawn:
    """The draws of one array, along the first axis. Of integers nothing follows from a few: some are rare."""
    wide = answers.astype(np.float64)
    low, high = wide.min(0), wide.max(0)
    is_number = is_float(answers)
    lows, highs = (wide == low).sum(0), (wide == high).sum(0)
    pair = is_number & (lows + highs == SEEDS) & (np.minimum(lows, highs) >= OFTEN)
    same = (wide == wide[0]) | (np.isnan(wide) & np.isnan(wide[0]))
    middle = np.sort(wide, axis=0)[[SEEDS // 4, 3 * SEEDS // 4]]
    tame = middle[1] - middle[0] >= (high - low) / TAME
    fixed = bool(is_number and same.all())
    return Drawn(low, high, np.asarray(pair), fixed, np.isnan(wide).mean(0), np.asarray(tame))


def _wide(x: np.ndarray) -> np.ndarray:
    return np.asarray(x.astype(np.float64)) if is_float(x) else x
