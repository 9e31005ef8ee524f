"""Learning rates that rise first, or again, in NumPy, written from the clauses: in float64, and rounded once."""

from __future__ import annotations

import numpy as np


def at_least(name, value, least):
    if not value >= least:
        raise ValueError(f"{name} is {value}, expected at least {least}")


def below(name, value, most, what):
    if not value <= most:
        raise ValueError(f"{name} is {value}, expected at most {most}, {what}")


def counted(steps):
    return np.asarray(steps).astype(np.int64)


def half_cosine(x, high, low):
    return low + (high - low) * (1 + np.cos(np.pi * x)) / 2


def linear(x, first, last):
    return first + (last - first) * x


def part(t, begin, length):
    """Which part of a piece is over, 0 in front of it and 1 behind it; a piece of no steps is over at once."""
    return np.clip((t - begin) / length, 0, 1) if length else (t >= begin).astype(np.float64)


def warmup_cosine(
    steps, *, start, peak, warmup_steps, decay_steps, floor, decay_is="alone", floor_is="absolute", after_end="stays",
    dtype="float32",
):  # fmt: skip
    length = decay_steps if decay_is == "alone" else decay_steps - warmup_steps
    at_least("warmup_steps", warmup_steps, 0)
    at_least("decay_steps", decay_steps, 1 if decay_is == "alone" else warmup_steps + 1)
    end = floor * peak if floor_is == "fraction" else floor
    below("start", start, peak, "the peak")
    below("floor", end, peak, "the peak")
    t = counted(steps)
    x = (t - warmup_steps) / length
    down = half_cosine(np.minimum(x, 1) if after_end == "stays" else x, peak, end)
    return np.where(t < warmup_steps, linear(part(t, 0, warmup_steps), start, peak), down).astype(dtype)


def warmup_stable_decay(
    steps, *, start, peak, warmup_steps, stable_steps, decay_steps, end, count="own", dtype="float32"
):
    at_least("warmup_steps", warmup_steps, 0)
    at_least("stable_steps", stable_steps, 0)
    at_least("decay_steps", decay_steps, 1)
    below("start", start, peak, "the peak")
    below("end", end, peak, "the peak")
    t = counted(steps) + (count == "next")
    up, down = part(t, 0, warmup_steps), part(t, warmup_steps + stable_steps, decay_steps)
    return (start + (peak - start) * up + (end - peak) * down).astype(dtype)


def inverse_root_warmup(steps, *, peak, warmup_steps, counts_from="one", dtype="float32"):
    at_least("warmup_steps", warmup_steps, 1)
    t = (counted(steps) + (counts_from == "one")).astype(np.float64)
    with np.errstate(divide="ignore"):
        return (peak * np.minimum(t / warmup_steps, np.sqrt(warmup_steps / t))).astype(dtype)


def cycles(steps, period, multiplier):
    """The number of the cycle that each step is in, and which part of it is over."""
    t = counted(steps)
    if multiplier == 1:
        return t // period, t % period / period
    begins, length = [0], period
    while begins[-1] + length <= 2**31:
        begins.append(begins[-1] + length)
        length *= multiplier
    number = np.searchsorted(np.array(begins), t, side="right") - 1
    return number, (t - np.array(begins)[number]) / (period * multiplier**number)


def cosine_restarts(
    steps, *, initial, period, multiplier, shrink=1.0, floor, floor_is="absolute", dtype="float32"
):  # fmt: skip
    at_least("period", period, 1)
    at_least("multiplier", multiplier, 1)
    end = floor * initial if floor_is == "fraction" else floor
    below("floor", end, initial, "the initial rate")
    number, x = cycles(steps, period, multiplier)
    return (end + (initial - end) * float(shrink) ** number * (1 + np.cos(np.pi * x)) / 2).astype(dtype)


def one_cycle(
    steps, *, peak, rise_steps, length, start_divisor, end_divisor, phases="two", anneal="cosine", ends="at",
    dtype="float32",
):  # fmt: skip
    at_least("rise_steps", rise_steps, 2)
    at_least("length", length, (rise_steps if phases == "two" else 2 * rise_steps) + 1)
    at_least("start_divisor", start_divisor, 1)
    at_least("end_divisor", end_divisor, 1)
    t, early = counted(steps), int(ends == "before")
    low, last = peak / start_divisor, peak / start_divisor / end_divisor
    at, rates = [0, rise_steps - early], [low, peak]
    if phases == "three":
        at, rates = [*at, 2 * (rise_steps - early)], [*rates, low]
    at, rates = [*at, length - early], [*rates, last]
    found = np.full(t.shape, last, np.float64)
    for k in reversed(range(len(at) - 1)):
        x = part(t, at[k], at[k + 1] - at[k])
        between = half_cosine(x, rates[k], rates[k + 1]) if anneal == "cosine" else linear(x, rates[k], rates[k + 1])
        found = np.where(t < at[k + 1], between, found)
    return found.astype(dtype)
