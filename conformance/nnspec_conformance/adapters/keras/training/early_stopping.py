"""``keras.callbacks.EarlyStopping``, called as ``fit`` calls it."""

from __future__ import annotations

import keras
import numpy as np
from keras.callbacks import EarlyStopping

VARIANTS = {
    "early-stopping.returned": ("best", "last"),
    "early-stopping.first-nan": "kept",
    "early-stopping.baseline-role": "beside",
}
DEFAULTS = {"early-stopping.default-returned": "last"}

SOURCE = "searched 2026-11-28, not found; https://github.com/keras-team/keras/blob/v3.15.1/keras/src/callbacks/early_stopping.py"
KNOWN_FAILURES = {
    "early-stopping.no-number": (
        "metrics of True and False are taken for 1 and 0, right is to refuse them: no dtype is checked; searched "
        "2026-11-29, not found; https://github.com/keras-team/keras/blob/v3.15.1/keras/src/callbacks/early_stopping.py"
    ),
    "early-stopping.patience-range": (
        "a patience of 0 and of -1 is taken, right is to refuse it: no range is checked; "
        "https://github.com/keras-team/keras/pull/23559"
    ),
    "early-stopping.min-delta-range": (
        f"a min_delta of -0.5 is taken as 0.5, and NaN is taken, right is to refuse them: abs(min_delta); {SOURCE}"
    ),
    "early-stopping.warmup-range": (
        f"a start_from_epoch of -1 is taken, right is to refuse it: no range is checked; {SOURCE}"
    ),
}
NAMES = {"warmup": "start_from_epoch"}


class Model:
    """What the callback asks of a model; its only weight is the number of the evaluation."""

    stop_training = False
    metrics = ()
    weight = -1

    def get_weights(self):
        return [self.weight]

    def set_weights(self, weights):
        self.weight = weights[0]


def early_stopping(metrics, baseline=None, *, returned=None, mode=None, **given):
    if "nan" in given:
        raise NotImplementedError("it does not stop at NaN: TerminateOnNaN does, and looks at the training loss")
    given = {NAMES.get(name, name): value for name, value in given.items()} | {"mode": mode or "min"}
    if returned is not None:
        given["restore_best_weights"] = returned == "best"
    if baseline is not None:
        given["baseline"] = float(baseline)
    rows = np.asarray(keras.ops.convert_to_numpy(metrics))
    rows = rows if rows.dtype.kind in "bc" else rows.astype(np.float64)
    found = [stopped(row, **given) for row in rows.reshape(-1, rows.shape[-1]).tolist()]
    columns = np.array(found, int).reshape(-1, 3).T
    shape = rows.shape[:-1]
    return {
        name: keras.ops.convert_to_tensor(x.reshape(shape))
        for name, x in zip(("stopped", "best", "returned"), columns, strict=True)
    }


def stopped(series, **given):
    callback, model, seen = EarlyStopping(monitor="metric", **given), Model(), -1
    callback.set_model(model)
    callback.on_train_begin()
    for t, metric in enumerate(series):
        model.weight, before = t, callback.best
        callback.on_epoch_end(t, {"metric": metric})
        seen = t if callback.best is not before else seen
        if model.stop_training:
            break
    callback.on_train_end()
    return (t if model.stop_training else -1), seen, model.weight
