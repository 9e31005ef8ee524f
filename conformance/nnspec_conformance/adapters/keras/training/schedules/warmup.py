"""The schedules of ``keras.optimizers.schedules`` that warm up, or begin again."""

from __future__ import annotations

from keras.optimizers import schedules

VARIANTS = {"warmup-cosine.floor-is": "fraction", "cosine-restarts.floor-is": "fraction"}


def warmup_cosine(steps, *, start, peak, warmup_steps, decay_steps, floor):
    return schedules.CosineDecay(start, decay_steps, alpha=floor, warmup_target=peak, warmup_steps=warmup_steps)(steps)


def cosine_restarts(steps, *, initial, period, multiplier, shrink=None, floor):
    given = {} if shrink is None else {"m_mul": shrink}
    return schedules.CosineDecayRestarts(initial, period, t_mul=float(multiplier), alpha=floor, **given)(steps)
