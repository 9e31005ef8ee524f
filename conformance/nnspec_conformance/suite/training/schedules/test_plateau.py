"""Tests of training/schedules/plateau: every short series over a few values, and what each keyword changes."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.oracles.training.schedules import plateau as oracle
from nnspec_conformance.tolerance import Want, carried, unit

U = unit("float32")
TINY = 1e-37  # where float32 has no more digits, or compilers none at all
VALUES, WITH_NAN = (0.0, 1.0, 2.0), (0.0, 1.0, 2.0, np.nan)
GIVEN: dict[str, Any] = {
    "initial": 0.75, "factor": 0.5, "patience": 2, "min_delta": 0.25, "min_delta_is": "absolute", "floor": 0.0,
}  # fmt: skip
ROWS = [
    [1, 2, 3, 4, 5, 6, 7, 8], [5, 4, 3, 2, 1, 1, 1, 1], [3, 1, 2, 2, 2, 2, 0, 0], [2, 3, 1, 3, 3, 1, 3, 3],
]  # fmt: skip


@functools.cache
def family(length: int, values: tuple = VALUES) -> np.ndarray:
    """All series of this length over some values, one a row."""
    return np.array(list(itertools.product(values, repeat=length)), np.float32)


def some(lean: bool, slow: bool, values: tuple = VALUES) -> Iterator[np.ndarray]:
    """All series of each length; a subject that compiles, or that is asked one series at a time, has some of one."""
    if slow or not lean:
        yield from (family(length, values) for length in range(1, 7))
    else:
        yield family(6, values)[::7]


def rates(readings: dict) -> Callable[..., Want]:
    """What the oracle gives in the subject's readings, with a rounding for each cut."""

    def want(metrics: np.ndarray, **given: Any) -> Want:
        value = oracle.reduce_on_plateau(metrics, **readings | given, dtype="float64")
        cuts = np.arange(1, metrics.shape[-1] + 1)
        return carried(value, 2 * U * (2 + cuts) * value + TINY, "float32")

    return want


def asked(readings: dict, metrics: Any, note: str = "", **given: Any) -> Case:
    return call("reduce_on_plateau", np.asarray(metrics, np.float32), **GIVEN | given, want=rates(readings), note=note)


@clause("reduce-on-plateau.example")
def test_example(readings: dict) -> Iterator[Case]:
    yield asked(readings, [3, 2, 2, 2, 2, 2, 1, 1], initial=0.8, note="the count goes on behind a cut")


@clause("reduce-on-plateau.cut")
def test_cut(readings: dict, lean: bool, slow: bool) -> Iterator[Case]:
    for series in some(lean, slow):
        for patience in (1, 2, 3):
            yield asked(readings, series, patience=patience)


@clause("reduce-on-plateau.begins-again")
def test_begins_again(readings: dict) -> Iterator[Case]:
    yield asked(readings, [3, 3, 3, 3, 3, 3, 3, 3], note="a cut at every evaluation behind the first")
    yield asked(readings, [1, 2, 2, 1.5, 1.5, 1.5, 0.5, 0.5], note="the best metric is forgotten at a cut")


@clause("reduce-on-plateau.factor")
def test_factor(readings: dict) -> Iterator[Case]:
    for factor, floor in ((0.5, 0.25), (0.1, 0.0), (0.3, 0.05), (0.5, 0.75)):
        yield asked(readings, [1] * 12, patience=1, factor=factor, floor=floor, note="where the floor is")
    for initial, factor, floor in ((2.0, 0.25, 0.125), (0.5, 0.25, 0.0), (16.0, 0.5, 0.125)):
        given = {"initial": initial, "factor": factor, "floor": floor}
        yield asked(readings, [1] * 12, patience=1, **given, note="a share of the initial rate")


@clause("reduce-on-plateau.cooldown")
def test_cooldown(readings: dict) -> Iterator[Case]:
    for cooldown in (1, 2, 4):
        yield asked(readings, [2] * 12, patience=1, cooldown=cooldown, note="a cooldown that is not used up")
        moved = [3, 3, 3, 3, 1, 2, 2, 2, 2, 2, 2, 2]
        yield asked(readings, moved, cooldown=cooldown, note="the best moves in the cooldown")


@clause("reduce-on-plateau.cooldown-is")
def test_cooldown_is(readings: dict, lean: bool, slow: bool) -> Iterator[Case]:
    for series in some(lean, slow):
        for cooldown in (1, 2):
            yield asked(readings, series, patience=1, cooldown=cooldown)


@clause("reduce-on-plateau.min-delta")
def test_min_delta(readings: dict, lean: bool, slow: bool) -> Iterator[Case]:
    """Patience 1 tells an equal step from a larger one, patience 2 whether the best moved on a smaller one."""
    for series in some(lean, slow):
        for patience in (1, 2):
            yield asked(readings, series, patience=patience, min_delta=1.0)
    yield asked(readings, [4, 3.5, 3, 2.5, 2, 1.5, 1, 0.5], patience=1, min_delta=0.5, note="equal steps")
    small = [4, 3.75, 3.5, 3.25, 3, 2.75, 2.5, 2.25]
    yield asked(readings, small, patience=3, min_delta=0.5, note="the sum of small steps")
    yield asked(readings, [400, 399, 398, 397, 100, 99, 98, 97], min_delta=0.5, note="a share of the best")
    yield asked(readings, [3, 2, 2, 1, 1, 1, 0, 0], patience=1, min_delta=0.0, note="equal metrics")
    of_no_halves = {"initial": 0.6, "factor": 0.6, "min_delta": 0.3, "floor": 0.1}
    yield asked(readings, small, patience=1, **of_no_halves, note="rates that float32 does not have")


@clause("reduce-on-plateau.relative")
def test_relative(readings: dict) -> Iterator[Case]:
    for mode, sign in (("min", 1), ("max", -1)):
        steps = np.array([800.0, 700.0, 500.0, 300.0, 200.0, 160.0, 130.0, 90.0]) ** sign
        for min_delta in (0.25, 0.1):
            given = {"min_delta_is": "relative", "min_delta": min_delta, "mode": mode}
            yield asked(readings, steps, **given, patience=1, note="a difference")


@clause("reduce-on-plateau.relative-to")
def test_relative_to(readings: dict) -> Iterator[Case]:
    for metrics in ([-4] * 8, [-4, -3.5, -3.25, -3.75, -4, -6, -8, -8], [2, 1, -1, -1, -1.125, -1.5, -2, -2]):
        given = {"min_delta_is": "relative", "min_delta": 0.25}
        yield asked(readings, metrics, **given, patience=1, note="a share of a negative number")
        yield asked(readings, np.negative(metrics), **given, patience=1, mode="max")


@clause("reduce-on-plateau.mode")
def test_mode(readings: dict, lean: bool, slow: bool) -> Iterator[Case]:
    for series in some(lean, slow):
        yield asked(readings, series, mode="max", min_delta=1.0)


@clause("reduce-on-plateau.nan")
def test_nan(readings: dict, lean: bool, slow: bool) -> Iterator[Case]:
    for series in some(lean, slow, WITH_NAN):
        numbers = series[~np.isnan(series[:, 0])]
        yield asked(readings, numbers)
        yield asked(readings, numbers, patience=1, mode="max")


@clause("reduce-on-plateau.first-nan")
def test_first_nan(readings: dict) -> Iterator[Case]:
    series = family(5, WITH_NAN)
    yield asked(readings, series[np.isnan(series[:, 0])][::3])


@clause("reduce-on-plateau.rows")
def test_rows(readings: dict) -> Iterator[Case]:
    yield asked(readings, ROWS)
    yield asked(readings, [*ROWS, *ROWS[::-1]], note="as many series as evaluations")
    for shape in ((2, 4, 8), (1, 2, 4, 8)):
        yield asked(readings, np.reshape([ROWS, ROWS[::-1]], shape), note="a stack of stacks")


@clause("reduce-on-plateau.causal")
def test_causal(readings: dict) -> Iterator[Case]:
    tails = ([0, 0], [-9, -8], [np.nan] * 2, [9, -9])
    yield asked(readings, [[3, 3, 3, 2, 2, 2, *tail] for tail in tails], note="the best of the whole series")


@clause("reduce-on-plateau.infinite")
def test_infinite(readings: dict) -> Iterator[Case]:
    inf = np.inf
    for series in (
        [3, inf, inf, 2, inf, 1, inf, inf],
        [3, -inf, 2, -inf, -inf, 1, 0, 0],
        [1, inf, -inf, 0, 0, 0, 0, 0],
    ):
        yield asked(readings, series)
        yield asked(readings, np.negative(series), mode="max", patience=1)


@clause("reduce-on-plateau.dtypes")
def test_dtypes(readings: dict) -> Iterator[Case]:
    """Numbers that have few bits, and of bfloat16 such as are larger than any of float16."""
    for dtype, size in (("float64", 1.0), ("bfloat16", 2.0**17), ("float16", 2.0**-3)):
        for length in (8, 11):
            metrics = (np.array([6, 5, 3, 4, 2, 2, 3, 1.5, 1, 2, 2])[:length] * size).astype(DTYPES[dtype])
            given = GIVEN | {"min_delta": size / 2, "patience": 1}
            yield call("reduce_on_plateau", metrics, **given, want=rates(readings))


@clause("reduce-on-plateau.long")
def test_long(readings: dict) -> Iterator[Case]:
    yield asked(readings, [2.0, 1.0, *[1.5] * 648], patience=300, note="more evaluations than a byte counts")


# ---- what is refused


def refused(note: str, **wrong: Any) -> ErrorCase:
    valid = {name: GIVEN.get(name, {"mode": "min", "cooldown": 1}.get(name)) for name in wrong}
    metrics = np.array([3, 2, 1, 2, 2, 2, 2, 2], np.float32)
    return refusal("reduce_on_plateau", metrics, **GIVEN | wrong, valid=valid, note=note)


@clause("reduce-on-plateau.factor-range")
def test_factor_range() -> Iterator[ErrorCase]:
    for factor in (1.0, 2.0):
        yield refused(f"a factor of {factor}", factor=factor)


@clause("reduce-on-plateau.patience-range")
def test_patience_range() -> Iterator[ErrorCase]:
    for patience in (0, -1):
        yield refused(f"patience {patience}", patience=patience)


@clause("reduce-on-plateau.min-delta-range")
def test_min_delta_range() -> Iterator[ErrorCase]:
    yield refused("min_delta -0.5", min_delta=-0.5)


@clause("reduce-on-plateau.cooldown-range")
def test_cooldown_range() -> Iterator[ErrorCase]:
    yield refused("cooldown -1", cooldown=-1)


@clause("reduce-on-plateau.floor-range")
def test_floor_range() -> Iterator[ErrorCase]:
    yield refused("a floor of 2", floor=2.0)


@clause("reduce-on-plateau.unknown-mode")
def test_unknown_mode() -> Iterator[ErrorCase]:
    yield refused("a mode that is none", mode="minimum")


@clause("reduce-on-plateau.no-number")
def test_no_number() -> Iterator[ErrorCase]:
    for dtype in (bool, np.complex64):
        metrics = np.array([1, 0, 1, 0, 0, 0, 0, 0], np.float32)
        note = f"metrics of {np.dtype(dtype)}"
        yield refusal("reduce_on_plateau", metrics.astype(dtype), **GIVEN, valid=(metrics,), note=note)
