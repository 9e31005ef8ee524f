"""Tests of components/losses/margins: kinks, ties, and vectors without a distance or a direction."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, call, clause, gradient
from nnspec_conformance.inputs import wide
from nnspec_conformance.oracles.components.losses import margins as oracle
from nnspec_conformance.suite.components.losses.test_margins import (
    NONE,
    cosine_loss_want,
    directions,
    multiclass_hinge_gradients,
    multiclass_hinge_want,
    powers_of_two,
    read,
    several_classes,
    triplet_gradients,
    triplets,
)
from nnspec_conformance.tolerance import Want, bound

KINKS = {  # by reading: scores with the label 0, of which class 1 keeps the margin exactly and class 2 by far
    "one-vs-all": [3.0, -1.0, -3.0],
}


def at_the_kink(operation: str, readings: dict) -> tuple[tuple[np.ndarray, ...], dict]:
    """Arrays whose first example is exactly at the kink, the second inside the margin and the third outside."""
    if operation == "hinge":
        return (np.array([1.0, 0.5, 3.0], np.float32), np.array([1, 1, 1])), {}
    if operation == "multiclass_hinge":
        row = np.array(KINKS.get(readings["form"], [2.0, 1.0, 0.0]), np.float32)
        step = np.array([0, 0.5, 0], np.float32)
        return (np.stack([row, row + step, row - step]), np.zeros(3, int)), {}
    scale = 1024.0  # beside which an epsilon of the distance is rounded away
    anchor, positive = np.zeros((3, 2), np.float32), np.array([[3, 4]] * 3, np.float32) * scale
    negative = np.array([[0, 6], [0, 5.5], [0, 7]], np.float32) * scale
    return (anchor, positive, negative), {"margin": 11.0 * 1024**2 if readings["distance"] == "squared" else 1024.0}


@clause("multiclass-hinge.masked-rival")
def test_masked_rival(readings: dict) -> Iterator[Case]:
    """The first rival of every example is masked: of one that loses, the strongest, and of one that is done."""
    for dtype in ("float32", "bfloat16"):
        scores, labels = several_classes(dtype)
        scores[np.arange(7), (labels + np.array([1, 2, 3, 4, 1, 2, 3])) % 5] = -np.inf
        for case in (call, gradient):
            wants = multiclass_hinge_want if case is call else multiclass_hinge_gradients
            asked = NONE if case is call else {**NONE, "cotangents": powers_of_two(7, dtype)}
            want = partial(wants, **read(readings))
            yield case("multiclass_hinge", scores, labels, **asked, want=want, note="minus infinity times 0")


@clause("margins.subgradient")
def test_subgradient(readings: dict, trial) -> None:
    arrays, given = at_the_kink(trial.operation, readings)
    asked = given | NONE
    got = wide(trial.vjp(arrays, np.ones(3, np.float32), **asked)[0])
    shares = []
    for at, low, high in ((0, 0.0, 1.0), (1, 1.0, 1.0), (2, 0.0, 0.0)):
        violated = slope_of_violated(trial.operation, arrays, at, readings, given)
        share = float((got[at] * violated).sum() / (violated * violated).sum())
        shares.append(share)
        off = float(np.abs(got[at] - share * violated).max()) / float(np.abs(violated).max())
        where = ("at", "inside", "outside")[at]
        trial.require(low - 1e-5 <= share <= high + 1e-5, f"{where} the kink the gradient is {share:.6g} of the slope")
        trial.require(off <= 1e-5, f"{where} the kink the gradient has another direction: {got[at].tolist()}")


def slope_of_violated(operation: str, arrays: tuple, at: int, readings: dict, given: dict) -> np.ndarray:
    """The oracle's gradient of an example with its margin just violated."""
    moved = [wide(x[at : at + 1]) for x in arrays]
    if operation == "hinge":
        moved[0] = np.array([0.5])
    elif operation == "multiclass_hinge":
        moved[0] = moved[0] + [0, 1.5 if at == 2 else 0.25, 0]
    else:
        given = given | {"margin": 16 * given["margin"]}
    function = getattr(oracle, operation + "_vjp")
    return function(*moved, np.ones(1), **read(readings), **given)[0][0]


@clause("multiclass-hinge.tie-subgradient")
def test_tie_subgradient(readings: dict, trial) -> None:
    scores = np.array([[0.5, 2, -1, 2, 1], [3, -2, 3, 1, 3]], np.float32)  # labels 0 and 1; two rivals and three tie
    got = wide(trial.vjp((scores, np.array([0, 1])), np.ones(2, np.float32), **NONE)[0])
    rivals = np.delete(got[0], 0), np.delete(got[1], 1)
    for shares, own in zip(rivals, (got[0, 0], got[1, 1]), strict=True):
        trial.require(bool((shares >= 0).all()), f"a rival's share is below 0: {shares.tolist()}")
        if readings["form"] == "one-vs-all":
            continue
        trial.expect(own, bound(-shares.sum(), shares.sum(), 8, "float32"), "the label's gradient")
        if readings["form"] == "crammer-singer":
            trial.expect(shares.sum(), bound(1.0, 1.0, 8, "float32"), "the sum of the shares")
            tied = shares[[0, 2]] if len(shares) == 4 and shares is rivals[0] else shares[[0, 1, 3]]
            trial.expect(tied.sum(), bound(1.0, 1.0, 8, "float32"), "the sum of the shares of the strongest")


@clause("triplet.coincident")
def test_triplet_coincident(readings: dict) -> Iterator[Case]:
    anchor, positive, negative = triplets("float32")
    positive[:2], negative[2] = anchor[:2], anchor[2]
    given, cotangents = {"margin": 8.0, **NONE}, powers_of_two(len(anchor), "float32")

    def want(*operands: np.ndarray, **given: Any) -> tuple[Want, ...]:
        return triplet_gradients(*operands, **read(readings), **given)

    yield gradient("triplet", anchor, positive, negative, cotangents=cotangents, **given, want=want, note="0 / 0")


@clause("cosine-loss.zero-vector")
def test_cosine_loss_zero_vector(readings: dict) -> Iterator[Case]:
    prediction, target = directions("float32")
    prediction[0] = target[1] = prediction[2] = target[2] = 0
    chosen = read(readings) | {"zero_vector": readings["zero_vector"]}

    def want(prediction: np.ndarray, target: np.ndarray, **given: Any) -> Want:
        return cosine_loss_want(prediction, target, **chosen, **given)

    yield call("cosine_loss", prediction, target, **NONE, want=want, note="0 / 0")


@clause("cosine-loss.zero-vector-gradient")
def test_cosine_loss_zero_vector_gradient(readings: dict, trial) -> None:
    prediction, target = directions("float32")
    prediction[0] = target[1] = prediction[2] = target[2] = 0
    found = trial.vjp((prediction, target), powers_of_two(len(target), "float32"), **NONE)
    for slope, beside in zip(found, ([0, 2], [1, 2]), strict=True):
        if readings["zero_vector"] == "zero":
            trial.require(bool(np.isfinite(slope).all()), f"the gradient is {slope[beside[0]].tolist()}")
        trial.require(bool(np.isfinite(slope[3:]).all()), f"the gradients of other examples are {slope[3:].tolist()}")
