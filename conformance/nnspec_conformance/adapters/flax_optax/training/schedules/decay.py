"""The schedules of Optax."""

from __future__ import annotations

import optax

VARIANTS = {"cosine-decay.floor-is": "fraction"}

SOURCE = "https://github.com/google-deepmind/optax/blob/v0.2.8/optax/schedules/_schedule.py"
KNOWN_FAILURES = {
    "decay.large-steps[exponential_decay]": (
        "steps and length are divided in float32, so that the first stair of 16,777,217 steps is one step short, right "
        f"is that it begins at its step; searched 2026-11-29, not found; {SOURCE}"
    ),
    **{
        f"decay.lengths[{name}]": (
            "a length of 0 and of -3 steps is taken for a constant rate, right is to refuse it: it is told in a log "
            f"and in no exception; searched 2026-11-28, not found; {SOURCE}"
        )
        for name in ("exponential_decay", "polynomial_decay")
    },
    **{
        f"decay.ends[{name}]": (
            "an end above the initial rate is taken, right is to refuse it: no rate is checked; searched 2026-11-29, "
            f"not found; {SOURCE}"
        )
        for name in ("polynomial_decay", "cosine_decay")
    },
    **{
        f"decay.factors[{name}]": (
            f"{given} is taken, right is to refuse it: no range is checked; searched 2026-11-29, not found; {SOURCE}"
        )
        for name, given in {
            "step_decay": "a factor of 1.5",
            "exponential_decay": "a decay_rate of 1.5 and of -0.5",
            "polynomial_decay": "a power of -1",
        }.items()
    },
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
