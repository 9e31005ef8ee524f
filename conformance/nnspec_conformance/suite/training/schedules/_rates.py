"""What the suites of schedules share: the table of a page, and a number out of its range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nnspec_conformance.cases import ErrorCase, refusal
from nnspec_conformance.errors import NotImplementedBySubject
from nnspec_conformance.tolerance import Want, carried, unit
from nnspec_conformance.trial import Trial

U = unit("float32")
PRINTED = 5e-5  # half a unit of the last place in the tables


def printed(rates: Sequence[float]) -> Want:
    """The rates of a table, again and again, as far as they are printed there."""
    return carried(np.resize(rates, LENGTH), np.full(LENGTH, 2 * PRINTED), "float32")


LENGTH = 28  # of the arrays of steps, for a subject that compiles makes a program of each length


def filled(steps: Any) -> np.ndarray:
    """Fill an array of the usual length with steps, again and again."""
    return np.resize(np.asarray(steps, np.int32), LENGTH)


NEAR = np.arange(LENGTH, dtype=np.int32)  # three steps behind every end of the suites
AXES = (4, 7)  # of steps with axes
FAR = filled([97, 998, 4_001, 9_999])
FARTHEST = filled([2**24 + 1, 2**31 - 3, 2**31 - 1])  # which those that go step by step do not have


def bounded(trial: Trial, rest: tuple, given: Mapping[str, Any], low: float, high: float) -> None:
    """No rate lies outside of its bounds, and none is NaN."""
    for steps in (NEAR, FAR, FARTHEST):
        try:
            found = np.asarray(trial.call(steps, *rest, **given), np.float64)
        except NotImplementedBySubject:
            if steps is FARTHEST:
                return
            raise
        outside = ~((found >= low - 8 * U * high) & (found <= high + 8 * U * high))
        at = int(np.argmax(outside))
        said = f"at step {steps[at]} the rate is {found[at]}, expected {low} to {high}"
        trial.require(not outside.any(), said)


def refused(
    operation: str, arrays: tuple, given: Mapping[str, Any], wrong: Mapping[str, Any], note: str = ""
) -> ErrorCase:
    """A call with one keyword wrong, after that with the right one."""
    said = note or ", ".join(f"{name} {value}" for name, value in wrong.items())
    return refusal(operation, *arrays, **{**given, **wrong}, valid={name: given[name] for name in wrong}, note=said)
