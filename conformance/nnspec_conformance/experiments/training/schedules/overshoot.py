"""C.5.1: the oscillation of a steep direction under a constant rate and under one that decreases."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

STEEP, FLAT, RATE = 1.0, 0.01, 1.9


@experiment("schedule-overshoot", short={"steps": 40})
def schedule_overshoot(*, steps: int = 400) -> Outcome:
    """So many steps of each schedule."""
    from nnspec.training.schedules.decay import cosine_decay

    at: Any = np.arange(steps, dtype=np.int32)
    cosine = np.asarray(cosine_decay(at, initial=RATE, decay_steps=steps, floor=0.0), np.float64)
    kinds = {"constant": np.full(steps, RATE), "cosine": cosine, "constant 0.5": np.full(steps, 0.5)}
    changes, losses, rows = {}, {}, []
    for name, rates in kinds.items():
        path = np.cumprod(1 - rates[:, None] * np.array([STEEP, FLAT]), 0)
        steep = path[steps // 2 - 1 :, 0]
        changes[name] = int((np.sign(steep[1:]) != np.sign(steep[:-1])).sum())
        losses[name] = float((np.array([STEEP, FLAT]) * path[-1] ** 2).sum() / 2)
        rows.append({"rate": name, "sign changes, second half": changes[name], "loss at the end": losses[name]})
    came = {
        "sign changes, constant": float(changes["constant"]),
        "sign changes, cosine": float(changes["cosine"]),
        "loss, cosine over constant": losses["cosine"] / losses["constant"],
    }
    saved = float(changes["constant"] - changes["cosine"])
    return Outcome(came, Effect("sign changes that the decay saves", saved, (saved, saved)), rows)
