"""Early stopping in NumPy, written from the clauses: all series of a stack are watched at once."""

from __future__ import annotations

import numpy as np


def early_stopping(
    metrics,
    baseline=None,
    *,
    patience,
    min_delta=0.0,
    mode="min",
    warmup=0,
    nan="counted",
    stop="reached",
    returned="best",
    first_nan="passed-over",
    baseline_role="first",
):
    check(patience, min_delta, mode, warmup)
    if np.asarray(metrics).dtype.kind in "bc":
        raise TypeError(f"metrics are {np.asarray(metrics).dtype}, expected real numbers")
    sign = 1 if mode == "min" else -1
    m = sign * np.asarray(metrics, np.float64).reshape(-1, np.shape(metrics)[-1])
    line = np.inf if baseline is None else sign * np.float64(baseline)
    rows, n = m.shape
    best = np.full(rows, line if baseline_role == "first" else np.inf)
    empty = np.full(rows, baseline is None or baseline_role != "first")  # no best value yet, so that any is better
    best_at, stopped, wait = np.full(rows, -1), np.full(rows, -1), np.zeros(rows, int)
    limit = patience if stop == "reached" else patience + 1
    for t in range(warmup, n):
        running, missing = stopped < 0, np.isnan(m[:, t])
        with np.errstate(invalid="ignore"):
            better = running & np.where(empty, ~missing | (first_nan == "kept"), m[:, t] < best - min_delta)
            beaten = m[:, t] < line - min_delta if baseline is not None and baseline_role == "beside" else True
        best, best_at, empty = np.where(better, m[:, t], best), np.where(better, t, best_at), empty & ~better
        wait = np.where(better & beaten, 0, wait + running)
        out = ~better & (wait >= limit)
        stopped = np.where(running & (out | (missing & (nan == "stops"))), t, stopped)
    last = np.where(stopped < 0, n - 1, stopped)
    back = np.where(best_at < 0, last, best_at) if returned == "best" else last
    shape = np.shape(metrics)[:-1]
    return {name: x.reshape(shape) for name, x in (("stopped", stopped), ("best", best_at), ("returned", back))}


def check(patience, min_delta, mode, warmup):
    if patience < 1:
        raise ValueError(f"patience is {patience}, expected 1 or more")
    if not min_delta >= 0:
        raise ValueError(f"min_delta is {min_delta}, expected 0 or more")
    if warmup < 0:
        raise ValueError(f"warmup is {warmup}, expected 0 or more")
    if mode not in ("min", "max"):
        raise ValueError(f"mode is {mode!r}, expected 'min' or 'max'")


def ridge_filter(eigenvalue, strength):
    """The share of the least-squares solution along an eigenvector that a ridge of this strength keeps."""
    return eigenvalue / (eigenvalue + strength)


def stopped_filter(eigenvalue, learning_rate, steps):
    """The share of it that gradient descent from zero has after some steps: 1 - (1 - a l)^t, without cancellation."""
    return -np.expm1(steps * np.log1p(-learning_rate * eigenvalue))
