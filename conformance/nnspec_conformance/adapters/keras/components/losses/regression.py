"""The loss classes of ``keras.losses`` for regression; labels come first there."""

from __future__ import annotations

from typing import Any

import keras

VARIANTS = {
    "poisson-nll-from-rate.epsilon": "seven-digits",
    "regression.outputs": "averaged",
}
DEFAULTS = {"regression.default-reduction": "mean"}
REDUCTIONS = {"mean": "sum_over_batch_size", "sum": "sum", "none": "none"}


def squared_error(prediction, target, **given):
    return _of_examples(keras.losses.MeanSquaredError(dtype=prediction.dtype, **_told(given)), prediction, target)


def absolute_error(prediction, target, **given):
    return _of_examples(keras.losses.MeanAbsoluteError(dtype=prediction.dtype, **_told(given)), prediction, target)


def huber(prediction, target, **given):
    return _of_examples(keras.losses.Huber(dtype=prediction.dtype, **_told(given)), prediction, target)


def poisson_nll_from_rate(prediction, target, *, full=False, **given):
    if full:
        raise NotImplementedError("keras.losses.Poisson has no constant")
    return _of_examples(keras.losses.Poisson(dtype=prediction.dtype, **_told(given)), prediction, target)


def _told(given: dict[str, Any]) -> dict[str, Any]:
    return given | ({"reduction": REDUCTIONS[given["reduction"]]} if "reduction" in given else {})


def _of_examples(loss, prediction, target):
    """Keras takes the mean over the last axis, which is that of the outputs: here each example may have one."""
    return loss(target[..., None], prediction[..., None]) if prediction.ndim < 2 else loss(target, prediction)
