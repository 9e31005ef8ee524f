"""``flax.training.early_stopping.EarlyStopping``; Optax has none."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from flax.training.early_stopping import EarlyStopping

VARIANTS = {
    "early-stopping.stop": "exceeded",
    "early-stopping.returned": "last",
    "early-stopping.first-nan": "kept",
}
DEFAULTS = {"early-stopping.default-returned": "last"}

SOURCE = "searched 2026-11-28, not found; https://github.com/google/flax/blob/v0.12.8/flax/training/early_stopping.py"
KNOWN_FAILURES = {
    "early-stopping.no-number": (
        "metrics of True and False are taken for 1 and 0, right is to refuse them: no dtype is checked; searched "
        "2026-11-29, not found; https://github.com/google/flax/blob/v0.12.8/flax/training/early_stopping.py"
    ),
    "early-stopping.infinite": (
        "of the losses inf, inf, 0 evaluation 1 is an improvement, and after -inf every evaluation is one; right is "
        f"that neither is: an infinite best value is taken as none; {SOURCE}"
    ),
    "early-stopping.patience-range": (
        f"a patience of 0 and of -1 is taken, right is to refuse it: no range is checked; {SOURCE}"
    ),
    "early-stopping.min-delta-range": (
        f"a min_delta of -0.5 and of NaN is taken, right is to refuse it: no range is checked; {SOURCE}"
    ),
}


def early_stopping(metrics, *baseline, **given):
    if baseline or given.keys() & {"mode", "warmup", "nan"}:
        raise NotImplementedError("it minimizes, from the first evaluation on, and has no baseline")
    rows = np.asarray(metrics)
    rows = rows if rows.dtype.kind in "bc" else rows.astype(np.float64)
    found = [stopped(row, **given) for row in rows.reshape(-1, rows.shape[-1]).tolist()]
    columns = np.array(found, int).reshape(-1, 3).T
    shape = rows.shape[:-1]
    return {
        name: jnp.asarray(x.reshape(shape)) for name, x in zip(("stopped", "best", "returned"), columns, strict=True)
    }


def stopped(series, **given):
    state, best = EarlyStopping(**given), -1
    for t, metric in enumerate(series):
        state = state.update(metric)
        best = t if state.has_improved else best
        if state.should_stop:
            return t, best, t
    return -1, best, len(series) - 1
