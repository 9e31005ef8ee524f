"""The schedules of Optax that warm up, or begin again."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import optax

VARIANTS = {"warmup-cosine.decay-is": "whole"}

SOURCE = "https://github.com/google-deepmind/optax/blob/v0.2.8/optax/schedules/_schedule.py"
NOT_FOUND = f"searched 2026-11-28, not found; {SOURCE}"
KNOWN_FAILURES = {
    **{
        f"warm-up.ends[{name}]": (
            f"a start or an end above the peak is taken, right is to refuse it: no rate is checked; {NOT_FOUND}"
        )
        for name in ("warmup_cosine", "warmup_stable_decay", "cosine_restarts", "one_cycle")
    },
    "warm-up.lengths[warmup_stable_decay]": (
        "a decay of 0 and of -3 steps is taken for a constant rate, right is to refuse it: it is told in a log and in "
        f"no exception; {NOT_FOUND}"
    ),
    "warm-up.lengths[one_cycle]": (
        f"a cycle that is all rise is taken, right is to refuse it: no range is checked; {NOT_FOUND}"
    ),
    **{
        f"warm-up.negative[{name}]": (
            f"a warm-up of -1 steps is taken, right is to refuse it: no range is checked; {NOT_FOUND}"
        )
        for name in ("warmup_cosine", "warmup_stable_decay")
    },
    "one-cycle.peak-step": (
        "the peak of a cycle of 100 steps is at step 28 with pct_start=0.29, and at 56 with 0.57, right is 29 and 57: "
        f"int(0.29 * 100) is 28; {NOT_FOUND}"
    ),
}


def warmup_cosine(steps, *, start, peak, warmup_steps, decay_steps, floor):
    return optax.warmup_cosine_decay_schedule(start, peak, warmup_steps, decay_steps, floor)(steps)


def warmup_stable_decay(steps, *, start, peak, warmup_steps, stable_steps, decay_steps, end):
    pieces = [
        optax.linear_schedule(start, peak, warmup_steps),
        optax.constant_schedule(peak),
        optax.linear_schedule(peak, end, decay_steps),
    ]
    return optax.join_schedules(pieces, [warmup_steps, warmup_steps + stable_steps])(steps)


def cosine_restarts(steps, *, initial, period, multiplier, shrink=None, floor):
    last, begins, length, top, cycles = int(np.max(steps, initial=0)), 0, period, initial, []
    if period < 1:
        length = last + 1  # what Optax is told stands below, and is not to be made without end
    while begins <= last:
        told = length if period >= 1 else period
        cycles.append(
            {"init_value": top, "peak_value": top, "warmup_steps": 0, "decay_steps": told, "end_value": floor}
        )
        begins, length, top = (
            begins + length,
            length * multiplier,
            floor + (top - floor) * (1 if shrink is None else shrink),
        )
        if len(cycles) > 100:
            raise NotImplementedError("each cycle is told to it, and these are too many")
    return optax.sgdr_schedule(cycles)(steps)


def each(schedule, steps):
    """Ask for the rate of one step at a time, which is all it has."""
    return jnp.vectorize(schedule)(steps)


def one_cycle(steps, *, peak, rise_steps, length, start_divisor, end_divisor, phases=None, anneal=None):
    share = {"pct_start": rise_steps / length, "div_factor": start_divisor, "final_div_factor": end_divisor}
    words = (phases or "two", anneal or "cosine")
    if words == ("two", "cosine"):
        return each(optax.cosine_onecycle_schedule(length, peak, **share), steps)
    if words == ("three", "linear"):
        return each(optax.linear_onecycle_schedule(length, peak, pct_final=2 * rise_steps / length, **share), steps)
    raise NotImplementedError("two phases are of cosines, and three of lines")
