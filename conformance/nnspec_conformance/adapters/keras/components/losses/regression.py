"""The loss classes of ``keras.losses`` for regression; labels come first there."""

from __future__ import annotations

from typing import Any

import keras

VARIANTS = {
    "poisson-nll-from-rate.epsilon": "seven-digits",
    "regression.long-sums": "rounded",  # the number of losses is cast to their dtype: 80,000 is infinite in float16
    "regression.outputs": "averaged",
    "regression.weighted-mean": ("count", "weights"),
}
DEFAULTS = {"regression.default-reduction": "mean"}

LOSSES = "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/losses/"
NAMES = ("squared_error", "absolute_error", "huber", "poisson_nll_from_rate")
# Measured: what was asked, what came, what is right, and why.
KNOWN_FAILURES = {
    "huber.far[huber]": (
        "the gradient for an infinite error is NaN, right is delta or -delta: the square is computed for every error, "
        "and its slope comes back as 0 times infinity from the part that was not chosen; "
        f"searched 2026-11-27, not found; {LOSSES}losses.py"
    ),
    **{
        f"regression.empty-mean[{name}]": (
            "the mean of an empty batch is an array of no losses, right is 0: the reduction returns an empty vector as "
            f"it is; searched 2026-11-27, not found; {LOSSES}loss.py"
        )
        for name in NAMES
    },
    **{
        f"duty.broadcasting[{name}]": (
            "a target of shape [n, 1] is squeezed to the prediction's [n], right is a refusal; "
            f"searched 2026-11-27, not found; {LOSSES}loss.py"
        )
        for name in NAMES
    },
    "huber.range[huber]": (
        "delta 0 gives losses of 0 and delta -1 negative ones, right is a refusal; "
        "https://github.com/keras-team/keras/pull/23573"
    ),
    "poisson-nll.negative-count[poisson_nll_from_rate]": (
        "a count of -2 is taken, right is a refusal: targets are not looked at; "
        f"searched 2026-11-27, not found; {LOSSES}losses.py"
    ),
    "poisson-nll-from-rate.negative-rate": (
        "a rate of -1 gives NaN, right is a refusal: rates are not looked at; "
        f"searched 2026-11-27, not found; {LOSSES}losses.py"
    ),
}
REDUCTIONS = {"mean": "sum_over_batch_size", "sum": "sum", "none": "none"}


def squared_error(prediction, target, *weights, **given):
    return _of_examples(
        keras.losses.MeanSquaredError(dtype=prediction.dtype, **_told(given)), prediction, target, *weights
    )


def absolute_error(prediction, target, *weights, **given):
    return _of_examples(
        keras.losses.MeanAbsoluteError(dtype=prediction.dtype, **_told(given)), prediction, target, *weights
    )


def huber(prediction, target, *weights, **given):
    return _of_examples(keras.losses.Huber(dtype=prediction.dtype, **_told(given)), prediction, target, *weights)


def poisson_nll_from_rate(prediction, target, **given):
    if given.pop("full", False):
        raise NotImplementedError("keras.losses.Poisson has no constant")
    return _of_examples(keras.losses.Poisson(dtype=prediction.dtype, **_told(given)), prediction, target)


def _told(given: dict[str, Any]) -> dict[str, Any]:
    divides_by = given.pop("weighted_mean", "count")
    if "reduction" not in given:
        return given
    reduction = REDUCTIONS[given["reduction"]]
    by_weights = divides_by == "weights" and reduction == "sum_over_batch_size"
    return given | {"reduction": "mean_with_sample_weight" if by_weights else reduction}


def _of_examples(loss, prediction, target, *weights):
    """Keras takes the mean over the last axis, which is that of the outputs: here each example may have one."""
    if weights and prediction.ndim > 1:
        raise NotImplementedError("the weights of Keras are those of examples, not of their outputs")
    several = prediction.ndim > 1
    return loss(target, prediction) if several else loss(target[..., None], prediction[..., None], *weights)
