"""Rates that are constant, or constant in pieces, and updates that use a rate each, in NumPy, from the clauses."""

from __future__ import annotations

import numpy as np


def _no_negative(name, value):
    if not np.all(np.asarray(value) >= 0):
        raise ValueError(f"{name} is {value}, expected 0 or more")


def constant_rate(steps, *, rate, dtype="float32"):
    _no_negative("rate", rate)
    return np.full(np.shape(steps), rate, dtype)


def piecewise_constant(steps, rates, *, boundaries, boundary="at", dtype="float32"):
    b, r = np.asarray(boundaries, np.int64), np.asarray(rates, np.float64)
    _no_negative("rates", r)
    if np.any(np.diff(b) <= 0):
        raise ValueError(f"boundaries are {b.tolist()}, expected each to be above the one before it")
    if r.shape != (len(b) + 1,):
        raise ValueError(f"there are {r.size} rates and {len(b)} boundaries, expected one rate more than boundaries")
    t = np.asarray(steps, np.int64)
    return r[np.searchsorted(b, t, side="right" if boundary == "at" else "left")].astype(dtype)


def scheduled_descent(gradients, rates, *, resume_at=0, first_rate="own"):
    if resume_at < 0:
        raise ValueError(f"resume_at is {resume_at}, expected 0 or more")
    g, r = np.asarray(gradients), np.asarray(rates)
    if g.ndim != 1 or r.shape != (len(g) + 1,):
        raise ValueError(f"there are {g.size} gradients and {r.size} rates, expected one rate more than gradients")
    used = r[:-1] if first_rate == "own" else r[1:]
    return -np.cumsum(used * g)
