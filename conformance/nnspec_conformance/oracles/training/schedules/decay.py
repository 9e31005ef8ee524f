"""Learning rates that decay, in NumPy, written from the clauses: computed in float64, and rounded once."""

from __future__ import annotations

import numpy as np


def _length(decay_steps):
    if decay_steps < 1:
        raise ValueError(f"decay_steps is {decay_steps}, expected at least 1")


def _within(name, value, least, most=np.inf):
    if not least <= value <= most:
        raise ValueError(f"{name} is {value}, expected {least} to {most}")


def _parts(steps, decay_steps, staircase=False):
    """How many times the length is over."""
    _length(decay_steps)
    t = np.asarray(steps, np.float64)
    return np.floor_divide(t, decay_steps) if staircase else t / decay_steps


def step_decay(steps, boundaries, *, initial, factor, boundary="at", dtype="float32"):
    _within("factor", factor, 0, 1)
    t, b = np.asarray(steps)[..., None].astype(np.int64), np.asarray(boundaries).astype(np.int64)
    reached = (t >= b) if boundary == "at" else (t > b)
    return (initial * float(factor) ** reached.sum(-1)).astype(dtype)


def exponential_decay(steps, *, initial, decay_steps, decay_rate, staircase=False, dtype="float32"):
    _within("decay_rate", decay_rate, 0, 1)
    return (initial * float(decay_rate) ** _parts(steps, decay_steps, staircase)).astype(dtype)


def inverse_time_decay(steps, *, initial, decay_steps, decay_rate, staircase=False, dtype="float32"):
    _within("decay_rate", decay_rate, 0)
    return (initial / (1 + decay_rate * _parts(steps, decay_steps, staircase))).astype(dtype)


def polynomial_decay(steps, *, initial, end, decay_steps, power, dtype="float32"):
    _within("end", end, 0, initial)
    _within("power", power, 0)
    x = np.minimum(_parts(steps, decay_steps), 1)
    return (end + (initial - end) * (1 - x) ** power).astype(dtype)


def cosine_decay(
    steps, *, initial, decay_steps, floor, floor_is="absolute", after_end="stays", dtype="float32"
):  # fmt: skip
    end = floor * initial if floor_is == "fraction" else floor
    _within("floor", end, 0, initial)
    x = _parts(steps, decay_steps)
    if after_end == "stays":
        x = np.minimum(x, 1)
    return (end + (initial - end) * (1 + np.cos(np.pi * x)) / 2).astype(dtype)
