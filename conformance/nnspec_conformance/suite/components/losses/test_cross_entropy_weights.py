"""Tests of components/losses/cross_entropy: weights of classes and of examples, and labels that count for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, call, clause
from nnspec_conformance.errors import Refused
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.suite.components.losses.test_cross_entropy import (
    BINARY,
    CLASSES,
    EXAMPLES,
    IGNORED,
    INTEGER,
    LABELS,
    NONE,
    SMOOTHED,
    WEIGHTS,
    arrays,
    gradient_case,
    logits,
    losses,
    slopes,
    value_case,
)
from nnspec_conformance.tolerance import Want, bound, exact
from nnspec_conformance.trial import Trial

# ---- of the classes


@clause("class-weights.value")
def test_class_weights(trial) -> None:
    x, cotangents = logits(), normal_draws(30, (EXAMPLES,))
    got = trial.call(x, LABELS, WEIGHTS, **NONE)
    trial.expect(got, losses(INTEGER)(x, LABELS, WEIGHTS, **NONE), "losses with class weights")
    slope = trial.vjp((x, LABELS, WEIGHTS), cotangents, **NONE)[0]
    trial.expect(slope, slopes(INTEGER, (x, LABELS, WEIGHTS), cotangents, NONE)[0], "gradient with class weights")


@clause("class-weights.smoothed-weights")
def test_smoothed_weights(readings: dict) -> Iterator[Case]:
    told = {"smoothed_weights": readings["smoothed_weights"]}
    yield value_case(INTEGER, logits(), LABELS, WEIGHTS, **SMOOTHED, readings=told, note="weights and smoothing")


@clause("class-weights.weighted-mean")
def test_weighted_mean(readings: dict) -> Iterator[Case]:
    told = {"weighted_mean": readings["weighted_mean"]}
    for labels in (LABELS, np.array([4, 4, 4, 3, 3, 3], np.int32)):
        yield value_case(
            INTEGER, logits(), labels, WEIGHTS, reduction="mean", readings=told, note="what the mean divides by"
        )


# ---- of the examples


def sample_weights(operation: str) -> np.ndarray:
    """No two alike, one of them 0; their sum is not their number."""
    count = 2 * EXAMPLES if operation in BINARY else EXAMPLES
    return ((np.arange(count) * 5 % count) / 4).astype(np.float32)


@clause("sample-weights.value")
def test_sample_weights(trial: Trial) -> None:
    given, w = arrays(trial.operation), sample_weights(trial.operation)
    got = trial.call(*given, w, **NONE)
    each = losses(trial.operation)(*given, **NONE)
    trial.expect(got, scaled(each, w), "losses with sample weights")
    cotangents = normal_draws(35, w.shape)
    slope = trial.vjp((*given, w), cotangents, **NONE)[0]
    right = slopes(trial.operation, given, (cotangents * w).astype(np.float32), NONE)[0]
    trial.expect(slope, right, "gradient with sample weights")


def scaled(each: Want, w: np.ndarray) -> Want:
    """The losses times their weights, which are numbers of every dtype."""
    product = bound(w * each.value, w * np.abs(each.value), 1, each.dtype)
    return replace(product, allowed=product.allowed + w * each.allowed)


@clause("sample-weights.weighted-mean")
def test_mean_of_weighted_losses(operation: str, readings: dict) -> Iterator[Case]:
    given, w = arrays(operation), sample_weights(operation)
    divisor = w.sum() if readings["weighted_mean"] == "weights" else w.size
    for reduction, share in (("mean", 1 / divisor), ("sum", 1.0)):
        each = scaled(losses(operation)(*given, **NONE), w)
        total, size = share * each.value.sum(), share * np.abs(each.value).sum()
        summed = bound(total, size, 2 * w.size, "float32")
        want = replace(summed, allowed=summed.allowed + share * each.allowed.sum())
        yield call(operation, *given, w, reduction=reduction, want=want, note="what the mean divides by")


@clause("sample-weights.zero-times-infinity")
def test_zero_times_infinity(operation: str, readings: dict) -> Iterator[Case]:
    (x, target), at = arrays(operation), [1, 5]
    if operation in BINARY:
        x[at], target[at] = [-np.inf, np.inf], [1, 0]
    else:
        x[at, 2] = -np.inf  # where the target is not 0
    w = np.ones(target.shape[:1], np.float32)
    w[at] = 0
    each = losses(operation)(*(np.delete(a, at, 0) for a in (x, target)), **NONE)
    value, allowed = np.full(w.shape, 0.0 if readings["zero_times_infinity"] == "left-out" else np.nan), 0 * w
    value[w == 1], allowed[w == 1] = each.value, each.allowed
    want = Want(value, allowed.astype(np.float64), np.zeros(w.shape), "float32", each.tolerance)
    yield call(operation, x, target, w, **NONE, want=want, note="0 times infinity")


@clause("cross-entropy.zero-weights")
def test_zero_weights(operation: str, readings: dict) -> Iterator[Case]:
    value = 0.0 if readings["zero_weights"] == "zero" or readings.get("weighted_mean") == "count" else np.nan
    given = arrays(operation)
    w = np.zeros(CLASSES if operation == INTEGER else given[1].shape[:1], np.float32)
    for reduction, want in (("mean", value), ("sum", 0.0)):
        yield call(operation, *given, w, reduction=reduction, want=exact(want), note="0 / 0")


# ---- labels that are ignored


@clause("ignored-labels.value")
def test_ignored_labels() -> Iterator[Case]:
    for ignored, labels in ((-100, IGNORED), (2, LABELS)):
        asked: dict[str, Any] = {"ignore_label": ignored}
        yield value_case(INTEGER, logits(), labels, **asked, note="the loss of an ignored label")
        yield value_case(INTEGER, logits(), labels, **asked, **SMOOTHED, note="smoothing of an ignored label")
        yield gradient_case(INTEGER, logits(), labels, **asked, note="the gradient of an ignored label")


@clause("ignored-labels.ignored-mean")
def test_ignored_mean(readings: dict) -> Iterator[Case]:
    told = {"ignored_mean": readings["ignored_mean"]}
    for asked in ({"ignore_label": -100}, {"ignore_label": -100, **SMOOTHED}):
        yield value_case(
            INTEGER, logits(), IGNORED, reduction="mean", **asked, readings=told, note="what the mean divides by"
        )


@clause("ignored-labels.all-ignored")
def test_all_ignored(readings: dict) -> Iterator[Case]:
    value = 0.0 if readings["all_ignored"] == "zero" else np.nan
    labels = np.full(EXAMPLES, -100, np.int32)
    for reduction, want in (("mean", value), ("sum", 0.0)):
        yield call(INTEGER, logits(), labels, ignore_label=-100, reduction=reduction, want=exact(want), note="0 / 0")


@clause("ignored-labels.default-label")
def test_default_label(trial: Trial, default: int | None) -> None:
    """Each of the labels that frameworks ignore: it is the default, or it is refused, or it costs something."""
    for label in {-100, -1, default} - {None}:
        wrong = np.arange(EXAMPLES) % 3 == 1
        labels = np.where(wrong, label, LABELS).astype(np.int32)
        try:
            got = trial.call(logits(), labels, **NONE)
        except Refused:
            trial.require(label != default, f"the label {label} is refused, not ignored")
            continue
        if label == default:
            asked: dict[str, Any] = {"ignore_label": label}
            trial.expect(got, losses(INTEGER)(logits(), labels, **NONE, **asked), f"losses with the label {label}")
        else:
            trial.require(bool((got[wrong] != 0).all()), f"the label {label} costs 0, as if it were ignored")
