"""``keras.callbacks.ReduceLROnPlateau``, called as ``fit`` calls it."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
from keras.callbacks import ReduceLROnPlateau

VARIANTS = {"reduce-on-plateau.cooldown-is": "less", "reduce-on-plateau.first-nan": "kept"}
SOURCE = (
    "searched 2026-11-28, not found; "
    "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/callbacks/reduce_lr_on_plateau.py"
)
KNOWN_FAILURES = {
    "reduce-on-plateau.no-number": (
        "metrics of True and False are taken for 1 and 0, right is to refuse them: no dtype is checked; searched "
        "2026-11-29, not found; "
        "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/callbacks/reduce_lr_on_plateau.py"
    ),
    "duty.refusals[reduce_on_plateau]": (
        f"any keyword is taken, and not looked at, right is to refuse one that it does not know; {SOURCE}"
    ),
    "reduce-on-plateau.patience-range": (
        f"a patience of 0 and of -1 is taken, right is to refuse it: no range is checked; {SOURCE}"
    ),
    "reduce-on-plateau.min-delta-range": (
        f"a min_delta of -0.5 is taken as 0.5, right is to refuse it: abs(min_delta); {SOURCE}"
    ),
    "reduce-on-plateau.cooldown-range": (
        f"a cooldown of -1 is taken, right is to refuse it: no range is checked; {SOURCE}"
    ),
    "reduce-on-plateau.floor-range": (
        f"a min_lr above the rate is taken, right is to refuse it: no range is checked; {SOURCE}"
    ),
}


def reduce_on_plateau(metrics, *, initial, factor, patience, min_delta, min_delta_is, floor, mode=None, **given):
    if min_delta_is == "relative":
        raise NotImplementedError("min_delta is a difference")
    told = {"factor": factor, "patience": patience, "min_delta": min_delta, "min_lr": floor, **given}
    told["mode"] = mode or "min"
    rows = np.asarray(keras.ops.convert_to_numpy(metrics))
    rows = rows if rows.dtype.kind in "bc" else rows.astype(np.float64)
    found = [watched(row, initial, told) for row in rows.reshape(-1, rows.shape[-1]).tolist()]
    return keras.ops.convert_to_tensor(np.array(found, np.float32).reshape(rows.shape))


def watched(series, initial, told):
    callback, optimizer, found = ReduceLROnPlateau(monitor="metric", **told), SimpleNamespace(learning_rate=initial), []
    callback.set_model(SimpleNamespace(optimizer=optimizer, metrics=()))
    callback.on_train_begin()
    for t, metric in enumerate(series):
        callback.on_epoch_end(t, {"metric": metric})
        found.append(optimizer.learning_rate)
    return found
