"""Tests of components/losses/margins: reductions, properties of the losses, refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import wide
from nnspec_conformance.oracles.components.losses import margins as oracle
from nnspec_conformance.suite.components._long_sums import means_told_apart, near_one
from nnspec_conformance.suite.components.losses._long_rows import rows_told_apart
from nnspec_conformance.suite.components.losses.test_margins import (
    INPUTS,
    MARGIN,
    NONE,
    directions,
    read,
    reduced_want,
    several_classes,
)  # fmt: skip
from nnspec_conformance.tolerance import bound, exact
from nnspec_conformance.trial import Trial

GRID = 32  # steps of a probability
UNIT = 2.0**-24


# ---- reductions


@clause("margins.reduction")
def test_reduction(operation: str, readings: dict) -> Iterator[Case]:
    arrays = INPUTS[operation]("float32")
    for reduction in ("mean", "sum"):
        want = reduced_want(operation, read(readings))
        yield call(
            operation, *arrays, **MARGIN.get(operation, {}), reduction=reduction, want=want, note="what it divides by"
        )


@clause("margins.default-reduction")
def test_default_reduction(operation: str, readings: dict, default: str) -> Iterator[Case]:
    arrays, given = INPUTS[operation]("float32"), MARGIN.get(operation, {})
    want = reduced_want(operation, read(readings))(*arrays, reduction=default, **given)
    yield call(operation, *arrays, **given, want=want, note="another default")


@clause("margins.empty-mean")
def test_empty_mean(operation: str, readings: dict) -> Iterator[Case]:
    arrays = tuple(x[:0] for x in INPUTS[operation]("float32"))
    value = np.nan if readings["empty_mean"] == "nan" else 0.0
    for reduction, want in (("mean", value), ("sum", 0.0)):
        asked = {**MARGIN.get(operation, {}), "reduction": reduction}
        yield call(operation, *arrays, **asked, want=exact(np.float64(want)), note="0 / 0")


# ---- properties


@clause("margins.convex")
def test_convex(operation: str, trial) -> None:
    draws = np.random.default_rng(36)
    if operation == "multiclass_hinge":
        ends = [draws.uniform(-3, 3, (200, 4)) for _ in range(2)]
        labels = np.arange(200) % 4
    else:
        ends = [draws.uniform(-4, 4, 200) for _ in range(2)]
        labels = np.where(np.arange(200) % 2, 1, -1)
    ends = [np.round(x * 32) / 32 for x in ends]  # the middle is a number of float32 too
    arrays = np.concatenate([*ends, (ends[0] + ends[1]) / 2]).astype(np.float32)  # one call
    losses = wide(trial.call(arrays, np.tile(labels, 3), **NONE))
    first, second, middle = np.split(losses, 3)
    above = middle - (first + second) / 2
    allowed = 64 * UNIT * (1 + np.abs(first) + np.abs(second))
    at = int(np.argmax(above - allowed))
    where = f"between {arrays[at]} and {arrays[200 + at]} with label {labels[at]}"
    trial.require(bool((above <= allowed).all()), f"the loss lies {above[at]:.6g} above its chord {where}")


def expected_over_grid(trial) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities of the label 1, scores, and the expected loss of each score at each probability."""
    scores = (np.arange(-2 * GRID, 2 * GRID + 1) / GRID).astype(np.float32)
    both = trial.call(np.tile(scores, 2), np.repeat(np.array([1, -1]), scores.size), **NONE)
    positive, negative = np.split(wide(both), 2)
    p = np.arange(1, GRID) / GRID
    return p, wide(scores), p[:, None] * positive + (1 - p)[:, None] * negative


@clause("hinge.minimizer")
def test_hinge_minimizer(trial) -> None:
    p, scores, expected = expected_over_grid(trial)
    for at in np.flatnonzero(p != 0.5):
        best = scores[np.argmin(expected[at])]
        trial.require(best == np.sign(2 * p[at] - 1), f"the label is 1 with probability {p[at]}: least at {best}")


@clause("squared-hinge.minimizer")
def test_squared_hinge_minimizer(trial) -> None:
    p, scores, expected = expected_over_grid(trial)
    for at in range(len(p)):
        best = scores[np.argmin(expected[at])]
        trial.require(best == 2 * p[at] - 1, f"the label is 1 with probability {p[at]}: least at {best}")


@clause("cosine-loss.proper")
def test_cosine_loss_proper(readings: dict, trial) -> None:
    """Every distribution over three labels in tenths predicted for every other one that is in tenths, in one call."""
    tenths = [(i, j, 10 - i - j) for i in range(1, 9) for j in range(1, 10 - i)]
    q = np.array(tenths) / 10
    prediction = np.repeat(q, 3, axis=0).astype(np.float32)
    labels = np.tile(np.eye(3, dtype=np.float32), (len(q), 1))
    losses = wide(trial.call(prediction, labels, **NONE)).reshape(len(q), 3)
    if readings["sign"] == "similarity":
        losses = -losses
    expected = q @ losses.T  # of each distribution, for each prediction
    for at, best in enumerate(expected.argmin(1)):
        trial.require(best == at, f"the labels have probabilities {q[at]}: the expected loss is least at {q[best]}")


# ---- labels and shapes


@clause("margins.labels")
def test_labels(operation: str) -> Iterator[ErrorCase]:
    scores, labels = np.array([0.25, -0.5, 0.375, 0.75], np.float32), np.array([1, -1, 1, -1])
    for bad in ([1, 0, 1, 0], [1, -1, 2, -1]):
        yield refusal(operation, scores, np.array(bad), **NONE, valid=(scores, labels), note=f"labels {bad}")


@clause("triplet.range")
def test_range() -> Iterator[ErrorCase]:
    yield refusal("triplet", *INPUTS["triplet"]("float32"), **NONE, margin=-1.0, valid={"margin": 0.5}, note="-1")


@clause("multiclass-hinge.label-range")
def test_label_range() -> Iterator[ErrorCase]:
    scores, labels = several_classes("float32")
    for bad in (5, -1):
        wrong = labels.copy()
        wrong[2] = bad
        yield refusal(
            "multiclass_hinge", scores, wrong, **NONE, valid=(scores, labels), note=f"label {bad} of 5 classes"
        )


@clause("cosine-loss.symmetry")
def test_cosine_loss_symmetry(trial) -> None:
    prediction, target = directions("float32")
    there, back = trial.call(prediction, target, **NONE), trial.call(target, prediction, **NONE)
    sizes = 1 + np.abs(oracle.unit(wide(prediction))[0] * oracle.unit(wide(target))[0]).sum(-1)
    trial.expect(back, bound(wide(there), 2 * sizes, 16, "float32"), "prediction and target exchanged")


# ---- long sums and long rows in half precision


def two_classes_far(dtype: str, n: int) -> tuple[np.ndarray, ...]:
    """Scores on the wrong side."""
    labels = 1 - 2 * (np.arange(n) % 2)
    return (-labels * near_one(n, (n,), dtype)).astype(DTYPES[dtype]), labels


def several_classes_far(dtype: str, n: int) -> tuple[np.ndarray, ...]:
    """Three rivals above the label, no two alike."""
    x = near_one(n, (n, 1), dtype)
    return np.concatenate([-x / 2, x, x / 2, x / 4], -1).astype(DTYPES[dtype]), np.zeros(n, np.int64)


def obtuse(dtype: str, n: int) -> tuple[np.ndarray, ...]:
    """Pairs at an angle of some 120 degrees."""
    x, y = near_one(n, (2, n, 3), dtype)
    return x * np.array([1, 1, 0], x.dtype), y * np.array([-1, 0, 1], x.dtype)


def far_positives(dtype: str, n: int) -> tuple[np.ndarray, ...]:
    """Positives at 0, and negatives half as far as one entry."""
    x = near_one(n, (n, 3), dtype)
    return x, 0 * x, x - np.array([0.5, 0, 0], x.dtype)


FAR: dict[str, Callable[[str, int], tuple]] = {
    "hinge": two_classes_far,
    "squared_hinge": two_classes_far,
    "multiclass_hinge": several_classes_far,
    "cosine_loss": obtuse,
    "triplet": far_positives,
}


@clause("margins.long-sums")
def test_long_sums(trial: Trial, readings: dict, lean: bool) -> None:
    how = MARGIN.get(trial.operation, {}) | read(readings)
    units = 16 if trial.operation == "cosine_loss" else 6  # two norms, their product and a quotient in both directions
    means_told_apart(trial, oracle, FAR[trial.operation], units, lean, **how)


def long_scores(dtype: str, n: int) -> tuple[np.ndarray, ...]:
    """One rival that leads, many that would lose to the label by less than 1, and labels far behind in the row."""
    scores, labels = -near_one(n, (2, n), dtype) / 2, np.array([n - 1, n // 2])
    scores[:, 7], scores[[0, 1], labels] = 1, 0.25
    return scores.astype(DTYPES[dtype]), labels


def long_directions(dtype: str, n: int) -> tuple[np.ndarray, ...]:
    """Pairs at an angle of some 60 degrees: every fourth entry of the target has the other sign."""
    x, y = near_one(n, (2, 2, n), dtype)
    return x, (y * np.where(np.arange(n) % 4, 1, -1)).astype(x.dtype)


def long_triplets(dtype: str, n: int) -> tuple[np.ndarray, ...]:
    """Positives at 0, and negatives that differ from the anchor in every fourth entry: all squares fit in float16."""
    x = near_one(n, (2, n), dtype)
    return x, 0 * x, np.where(np.arange(n) % 4, x, 0 * x)


LONG: dict[str, tuple[Callable[[str, int], tuple], float, float]] = {  # arrays, units in the last place, cotangent
    "multiclass_hinge": (long_scores, 6, 0.25),
    "cosine_loss": (long_directions, 16, 128.0),
    "triplet": (long_triplets, 6, 1.0),
}


@clause("margins.long-rows")
def test_long_rows(trial: Trial, readings: dict, lean: bool) -> None:
    how: dict[str, Any] = MARGIN.get(trial.operation, {}) | read(readings)
    arrays, units, cotangent = LONG[trial.operation]
    rows_told_apart(trial, oracle, arrays, units, cotangent, lean, **how)
