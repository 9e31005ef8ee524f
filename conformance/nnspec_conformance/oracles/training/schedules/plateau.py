"""Reducing a rate on a plateau, in NumPy, written from the clauses: all series of a stack are watched at once."""

from __future__ import annotations

import numpy as np


def check(initial, factor, patience, min_delta, mode, cooldown, floor):
    if not 0 < factor < 1:
        raise ValueError(f"factor is {factor}, expected above 0 and below 1")
    if patience < 1:
        raise ValueError(f"patience is {patience}, expected 1 or more")
    if not min_delta >= 0:
        raise ValueError(f"min_delta is {min_delta}, expected 0 or more")
    if cooldown < 0:
        raise ValueError(f"cooldown is {cooldown}, expected 0 or more")
    if not 0 <= floor <= initial:
        raise ValueError(f"floor is {floor}, expected 0 or more, and at most the initial rate, {initial}")
    if mode not in ("min", "max"):
        raise ValueError(f"mode is {mode!r}, expected 'min' or 'max'")


def bound(best, min_delta, min_delta_is, relative_to, sign):
    """What the next metric has to be below; of an infinite best value that value."""
    with np.errstate(invalid="ignore"):
        share = np.abs(best) if relative_to == "size" else sign * best
        line = best - (min_delta if min_delta_is == "absolute" else min_delta * share)
    return np.where(np.isinf(best), best, line)


def reduce_on_plateau(
    metrics, *, initial, factor, patience, min_delta, min_delta_is, floor, mode="min", cooldown=0, cut="reached",
    cooldown_is="whole", relative_to="size", first_nan="passed-over", dtype="float32",
):  # fmt: skip
    check(initial, factor, patience, min_delta, mode, cooldown, floor)
    if np.asarray(metrics).dtype.kind in "bc":
        raise TypeError(f"metrics are {np.asarray(metrics).dtype}, expected real numbers")
    sign = 1 if mode == "min" else -1
    m = sign * np.asarray(metrics, np.float64).reshape(-1, np.shape(metrics)[-1])
    rows, n = m.shape
    best, empty = np.full(rows, np.inf), np.ones(rows, bool)  # no best value yet, so that any is better
    wait, rest, rate = np.zeros(rows, int), np.zeros(rows, int), np.full(rows, float(initial))
    found = np.empty(m.shape)
    limit = patience if cut == "reached" else patience + 1
    for t in range(n):
        first = ~np.isnan(m[:, t]) | (first_nan == "kept")
        better = np.where(empty, first, m[:, t] < bound(best, min_delta, min_delta_is, relative_to, sign))
        best, empty = np.where(better, m[:, t], best), empty & ~better
        resting = rest > (cooldown_is == "less")  # the last evaluation of a shorter one counts
        rest = np.maximum(rest - 1, 0)
        wait = np.where(better | resting, 0, wait + 1)
        falls = wait >= limit
        rate = np.where(falls, np.maximum(rate * factor, floor), rate)
        wait, rest = np.where(falls, 0, wait), np.where(falls, cooldown, rest)
        found[:, t] = rate
    return found.reshape(np.shape(metrics)).astype(dtype)
