"""Tests of components/losses/cross_entropy: what must be refused."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnspec_conformance.cases import ErrorCase, clause, refusal
from nnspec_conformance.suite.components.losses.test_cross_entropy import (
    BINARY,
    CLASSES,
    INTEGER,
    LABELS,
    NONE,
    WEIGHTS,
    arrays,
    logits,
)


@clause("cross-entropy.label-range")
def test_label_range(operation: str) -> Iterator[ErrorCase]:
    x, _ = arrays(operation)
    for label in (CLASSES, -1, CLASSES + 7):
        labels = np.where(np.arange(len(LABELS)) == 2, label, LABELS).astype(np.int32)
        yield refusal(operation, x, labels, **NONE, valid=(x, LABELS), note=f"label {label} of {CLASSES} classes")


@clause("class-weights.negative-weight")
def test_negative_weight() -> Iterator[ErrorCase]:
    wrong = np.where(np.arange(CLASSES) == 1, -WEIGHTS, WEIGHTS)
    valid = (logits(), LABELS, WEIGHTS)
    yield refusal(INTEGER, logits(), LABELS, wrong, **NONE, valid=valid, note="a weight of -3")


@clause("softmax-cross-entropy.smoothing-range")
def test_smoothing_range(operation: str) -> Iterator[ErrorCase]:
    for smoothing in (-0.1, 1.0, 1.5):
        yield refusal(
            operation, *arrays(operation), **NONE, label_smoothing=smoothing, valid={"label_smoothing": 0.1},
            note=f"a label smoothing of {smoothing}",
        )  # fmt: skip


@clause("cross-entropy.improper-probabilities")
def test_improper_probabilities(operation: str) -> Iterator[ErrorCase]:
    p, *rest = arrays(operation)
    first = np.arange(p.size).reshape(p.shape) == 1
    outside = {"below 0": np.where(first, -0.25, p), "above 1": np.where(first, 1.25, p)}
    if operation not in BINARY:
        row = np.arange(len(p))[:, None] == 1
        outside |= {"whose sum is 1.1": np.where(row, 1.1 * p, p), "whose sum is 0.5": np.where(row, 0.5 * p, p)}
    for what, wrong in outside.items():
        yield refusal(operation, wrong.astype(p.dtype), *rest, **NONE, valid=(p, *rest), note=f"probabilities {what}")
