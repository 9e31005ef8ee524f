"""The schedules of Optax."""

from __future__ import annotations

import optax

VARIANTS = {"cosine-decay.floor-is": "fraction"}

KNOWN_FAILURES = {
    f"decay.lengths[{name}]": (
        "a length of 0 and of -3 steps is taken for a constant rate, right is to refuse it: it is told in a log and in "
        "no exception; searched 2026-11-28, not found; "
        "https://github.com/google-deepmind/optax/blob/v0.2.8/optax/schedules/_schedule.py"
    )
    for name in ("exponential_decay", "polynomial_decay")
}


def step_decay(steps, boundaries, *, initial, factor):
    scales = {}
    for boundary in boundaries.tolist():
        scales[boundary] = scales.get(boundary, 1.0) * factor
    return optax.piecewise_constant_schedule(initial, scales)(steps)


def exponential_decay(steps, *, initial, decay_steps, decay_rate, **given):
    return optax.exponential_decay(initial, decay_steps, decay_rate, **given)(steps)


def polynomial_decay(steps, *, initial, end, decay_steps, power):
    return optax.polynomial_schedule(initial, end, power, decay_steps)(steps)


def cosine_decay(steps, *, initial, decay_steps, floor):
    return optax.cosine_decay_schedule(initial, decay_steps, alpha=floor)(steps)
