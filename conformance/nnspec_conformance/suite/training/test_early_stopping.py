"""Tests of early stopping: every short series over a few values, and what each keyword changes."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.oracles.training import early_stopping as oracle
from nnspec_conformance.tolerance import exact

PATIENCES = (1, 2, 3)
VALUES, WITH_NAN, INFINITE = (0.0, 1.0, 2.0), (0.0, 1.0, 2.0, np.nan), (-np.inf, 0.0, np.inf)

ROWS = [[1, 2, 3, 4, 5], [5, 4, 3, 2, 1], [3, 1, 2, 2, 2], [2, 3, 1, 3, 3], [4, 3, 2, 3, 1]]


@functools.cache
def family(length: int, values: tuple = VALUES) -> np.ndarray:
    """All series of this length over some values, one a row."""
    return np.array(list(itertools.product(values, repeat=length)), np.float32)


def lengths(lean: bool, slow: bool) -> Sequence[int]:
    """A subject that compiles pays for each length, and one that is asked one series at a time for each series."""
    return range(1, 8) if slow or not lean else (1, 5)


def some(values: tuple, lean: bool, slow: bool) -> np.ndarray:
    """All series of five evaluations, or every fifth of them, which has each value at each place."""
    return family(5, values)[:: 5 if lean and not slow else 1]


def numbers_first(metrics: np.ndarray) -> np.ndarray:
    """The same stack with a 3 in place of each NaN of the first evaluation."""
    first = metrics[:, :1]
    return np.concatenate([np.where(np.isnan(first), np.float32(3), first), metrics[:, 1:]], 1)


def answer(readings: dict) -> Callable:
    """What the oracle gives in the subject's readings."""

    def want(metrics: np.ndarray, baseline: Any = None, **given: Any) -> dict:
        found = oracle.early_stopping(metrics, baseline, **given, **readings)
        return {name: exact(x) for name, x in found.items()}

    return want


def asked(readings: dict, metrics: Any, *baseline: float, note: str = "", **given: Any) -> Case:
    arrays = (np.asarray(metrics, np.float32), *(np.asarray(b, np.float32) for b in baseline))
    return call("early_stopping", *arrays, **{"patience": 2} | given, want=answer(readings), note=note)


# ---- when it stops


@clause("early-stopping.example")
def test_example(readings: dict) -> Iterator[Case]:
    yield asked(readings, [3, 2, 1, 1.5, 1.5, 1.5, 9, 0], note="three improvements, then none")


@clause("early-stopping.stop")
def test_stop(readings: dict, lean: bool, slow: bool) -> Iterator[Case]:
    for length in lengths(lean, slow):
        for patience in PATIENCES:
            yield asked(readings, family(length), patience=patience, min_delta=0.0)


@clause("early-stopping.min-delta")
def test_min_delta(readings: dict, lean: bool, slow: bool) -> Iterator[Case]:
    """Patience 1 tells an equal step from a larger one, patience 2 whether the best moved on a smaller one."""
    for length in lengths(lean, slow):
        for patience in PATIENCES:
            yield asked(readings, family(length), patience=patience, min_delta=1.0)
    if lean:
        yield asked(readings, family(7)[::5], patience=2, min_delta=1.0)
    yield asked(readings, [4, 3.5, 3, 2.5, 2, 1.5, 1, 0.5], patience=1, min_delta=0.5, note="equal steps")
    yield asked(readings, [4, 3.5, 3.25, 3.125, 3, 3, 3, 3], patience=2, min_delta=0.3, note="no multiple of a half")
    yield asked(
        readings, [4, 3.75, 3.5, 3.25, 3, 2.75, 2.5, 2.25], patience=4, min_delta=0.5, note="the sum of small steps"
    )
    large = [4000, 3000, 1900, 900, 0, -99, -100, -101]
    yield asked(readings, large, min_delta=1e3, note="differences around a thousand")


@clause("early-stopping.in-a-row")
def test_in_a_row(readings: dict) -> Iterator[Case]:
    yield asked(readings, [3, 3, 2, 2, 1, 1, 0, 0], note="the count is set back by each improvement")
    yield asked(readings, [5, 6, 6, 4, 6, 6, 6, 6], patience=3)


@clause("early-stopping.ties")
def test_ties(readings: dict) -> Iterator[Case]:
    yield asked(readings, [2, 1, 1, 1, 1, 1, 1, 1], patience=2)
    yield asked(readings, [3, 2, 1, 3, 1, 3, 3, 1], patience=6, note="no stop, and a tie at the end")


@clause("early-stopping.causal")
def test_causal(readings: dict) -> Iterator[Case]:
    tails = ([0, 0], [-9, -8], [np.nan] * 2, [np.inf] * 2, [9, -9])
    yield asked(
        readings, [[1, 2, 2, *tail] for tail in tails], patience=1, note="one series, and what comes after the stop"
    )


@clause("early-stopping.rows")
def test_rows(readings: dict) -> Iterator[Case]:
    yield asked(readings, ROWS)
    for shape in ((2, 5, 5), (1, 2, 5, 5)):
        yield asked(readings, np.reshape([ROWS, ROWS[::-1]], shape), note="a stack of stacks")


@clause("early-stopping.long")
def test_long(readings: dict) -> Iterator[Case]:
    yield asked(readings, [2.0, 1.0, *[1.5] * 598], patience=520, note="more evaluations than a byte counts")


# ---- what comes back


@clause("early-stopping.returned")
def test_returned(readings: dict) -> Iterator[Case]:
    for length in (1, 5):
        for patience in (1, 2):
            yield asked(readings, family(length), patience=patience, min_delta=0.0)


@clause("early-stopping.default-returned")
def test_default_returned(default: str) -> Iterator[Case]:
    """Series on which all readings of the count stop nowhere, so that what comes back is all that differs."""
    metrics = np.array(ROWS, np.float32)
    want = oracle.early_stopping(metrics, patience=7, min_delta=0.25, returned=default)
    yield call("early_stopping", metrics, patience=7, min_delta=0.25, want={k: exact(x) for k, x in want.items()})


# ---- what is better


@clause("early-stopping.mode")
def test_mode(readings: dict) -> Iterator[Case]:
    for patience, min_delta in ((1, 1.0), (2, 0.0), (2, 1.0), (3, 0.0)):
        yield asked(readings, family(5), patience=patience, min_delta=min_delta, mode="max")
    yield asked(readings, family(5), mode="min")


@clause("early-stopping.default-mode")
def test_default_mode(readings: dict) -> Iterator[Case]:
    yield asked(readings, ROWS)


@clause("early-stopping.nan")
def test_nan(readings: dict, lean: bool, slow: bool) -> Iterator[Case]:
    for length in range(1, 8) if slow else (1, 5) if lean else range(1, 6):
        stack = numbers_first(some(WITH_NAN, lean, slow) if length == 5 else family(length, WITH_NAN))
        for metrics in np.array_split(stack, -(-len(stack) // 2048)):  # no call of minutes
            for patience, min_delta in ((1, 0.0), (2, 1.0), (3, 0.0)):
                yield asked(readings, metrics, patience=patience, min_delta=min_delta)


@clause("early-stopping.first-nan")
def test_first_nan(readings: dict, lean: bool, slow: bool) -> Iterator[Case]:
    for patience in PATIENCES:
        yield asked(readings, some(WITH_NAN, lean, slow), patience=patience)


@clause("early-stopping.nan-stops")
def test_nan_stops(readings: dict, lean: bool, slow: bool) -> Iterator[Case]:
    series = some(WITH_NAN, lean, slow)
    for patience in (1, 3):
        yield asked(readings, series, patience=patience, nan="stops")
        yield asked(readings, series, patience=patience, nan="stops", warmup=2)
    yield asked(readings, series, nan="stops", mode="max")
    yield asked(readings, series, 1.0, nan="stops")


@clause("early-stopping.infinite")
def test_infinite(readings: dict) -> Iterator[Case]:
    for min_delta in (0.0, 1.0):
        yield asked(readings, family(5, INFINITE), min_delta=min_delta)


@clause("early-stopping.resolution")
def test_resolution(readings: dict) -> Iterator[Case]:
    """Each step is 2^-40 of the value: nothing in float32, much in float64."""
    for length in (8, 11):
        metrics = 1.0 - np.arange(length) * 2.0**-40
        yield call("early_stopping", metrics, patience=2, min_delta=2.0**-42, want=answer(readings))


@clause("early-stopping.half-precision")
def test_half_precision(readings: dict) -> Iterator[Case]:
    """Numbers that have few bits, and of bfloat16 such as are larger than any of float16."""
    for dtype, unit in (("bfloat16", 2.0**17), ("float16", 2.0**-3)):
        for length in (8, 11):
            metrics = (np.array([6, 5, 3, 4, 2, 2, 3, 1.5, 1, 2, 2])[:length] * unit).astype(DTYPES[dtype])
            yield call("early_stopping", metrics, patience=3, min_delta=unit / 2, want=answer(readings))


# ---- baseline and warm-up


@clause("early-stopping.baseline-role")
def test_baseline_role(readings: dict) -> Iterator[Case]:
    for patience, min_delta in ((1, 0.5), (2, 0.0), (2, 0.5), (3, 0.0)):
        yield asked(readings, family(5), 1.0, patience=patience, min_delta=min_delta)
    for baseline in (0.0, -np.inf):
        yield asked(readings, family(5), baseline)
    yield asked(readings, [6, 5, 4, 3, 2, 2, 2, 2], 1.0, note="always better, and never below the baseline")


@clause("early-stopping.baseline-above")
def test_baseline_above(readings: dict) -> Iterator[Case]:
    for baseline in (9.0, np.inf):
        yield asked(readings, family(5), baseline)
        yield asked(readings, family(5), -baseline, mode="max")


@clause("early-stopping.warmup")
def test_warmup(readings: dict) -> Iterator[Case]:
    for warmup in (1, 2, 4, 5, 7):
        yield asked(readings, family(5), warmup=warmup, min_delta=0.0)
    yield asked(readings, [np.nan, 0, 3, 2, 1, 2, 2, 2], warmup=2, note="the best value is in the warm-up")
    yield asked(readings, family(5), 1.0, warmup=1)


# ---- refusals


@clause("early-stopping.patience-range")
def test_patience_range() -> Iterator[ErrorCase]:
    for patience in (0, -1):
        yield refused(f"patience {patience}", {"patience": 1}, patience=patience)


@clause("early-stopping.min-delta-range")
def test_min_delta_range() -> Iterator[ErrorCase]:
    for min_delta in (-0.5, float("nan")):
        yield refused(f"min_delta {min_delta}", {"min_delta": 0.5}, min_delta=min_delta)


@clause("early-stopping.warmup-range")
def test_warmup_range() -> Iterator[ErrorCase]:
    yield refused("warmup -1", {"warmup": 1}, warmup=-1)


@clause("early-stopping.unknown-mode")
def test_unknown_mode() -> Iterator[ErrorCase]:
    yield refused("a mode that is none", {"mode": "min"}, mode="minimum")


@clause("early-stopping.no-number")
def test_no_number() -> Iterator[ErrorCase]:
    for dtype in (bool, np.complex64):
        metrics = np.array([1, 0, 1, 0, 0, 0, 0, 0], np.float32)
        note = f"metrics of {np.dtype(dtype)}"
        yield refusal("early_stopping", metrics.astype(dtype), patience=2, valid=(metrics,), note=note)


def refused(note: str, right: dict, **wrong: Any) -> ErrorCase:
    metrics = np.array([3, 2, 1, 2, 2, 2, 2, 2], np.float32)
    return refusal("early_stopping", metrics, **{"patience": 2, "min_delta": 0.5} | wrong, valid=right, note=note)
