"""Tests of components/losses/margins: values and gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, call, clause, gradient, second_derivative
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, real_numbers, wide
from nnspec_conformance.oracles.components.losses import margins as oracle
from nnspec_conformance.tolerance import Want, bound, exact, ulp, ulps

NONE = {"reduction": "none"}
MARGIN = {"triplet": {"margin": 0.5}}
GRADIENT_DTYPES = ("float32", "float16")
CHOSEN = ("form", "sign", "distance")  # readings on which the value depends; the others concern single points


def read(readings: dict) -> dict:
    """The readings that the value depends on."""
    return {name: reading for name, reading in readings.items() if name in CHOSEN}


# ---- inputs: all axes of different lengths, no example near a kink, both sides of it


def signed(scores: np.ndarray) -> np.ndarray:
    """Labels -1 and 1 in turn, and in turn of pairs in the second half: both for every kind of score."""
    at = np.arange(scores.size)
    return np.where((at + at // 2) % 2, -1, 1).astype(np.int64)


def two_classes(dtype: str) -> tuple[np.ndarray, ...]:
    """Scores from -4 to 4, none of them 1 or -1, and one far out on each side of each label."""
    scores = np.linspace(-4, 4, 24)
    scores[[0, 1, 22, 23]] = [-300, -200, 200, 300]
    scores = scores.astype(DTYPES[dtype])
    return scores, signed(scores)


def several_classes(dtype: str, offset: float = 1.03125) -> tuple[np.ndarray, ...]:
    """Scores of seven examples and five classes, each class once the label, in eighths; no two alike in an example.

    Three eighths are added to the score of the label, and a sixteenth to it besides: no margin is 1.
    """
    order = np.array([np.random.default_rng(i).permutation(5) for i in range(7)])
    scores = offset + np.array([0.25, 0.5, 0.625, 0.625, 0.875, 1.25, 2.0])[:, None] * (order - 2)
    labels = np.array([0, 1, 2, 3, 4, 2, 0])
    scores[np.arange(7), labels] += 0.4375
    return scores.astype(DTYPES[dtype]), labels


def directions(dtype: str) -> tuple[np.ndarray, ...]:
    """Predictions and targets: in any direction, nearly the same, opposite, at right angles."""
    prediction, target = normal_draws(31, (6, 5)), normal_draws(32, (6, 5))
    target[1] = 1.5 * prediction[1] + 0.02 * target[1]
    target[2] = -0.5 * prediction[2]
    prediction[3], target[3] = [1, -2, 0, 2, 1], [2, 1, -3, 0.5, -1]
    target[4] *= 16
    return prediction.astype(DTYPES[dtype]), target.astype(DTYPES[dtype])


def triplets(dtype: str) -> tuple[np.ndarray, ...]:
    """Anchors, positives and negatives: three that lose, one that is done, two close to the anchor."""
    anchor, positive, negative = (normal_draws(seed, (6, 5)) for seed in (33, 34, 35))
    positive[3], negative[3] = anchor[3] + 0.25, anchor[3] - 2
    positive[4] = anchor[4] = 2.0**-10 * np.array([1, 0, -1, 2, 1])
    positive[4] += 2.0**-13 * np.array([1, 2, -3, 1, 1])
    negative[4] = anchor[4] + 2.0**-14 * np.array([3, -1, -2, 1, 0])
    negative[5] = 0.5 * positive[5] + 0.5 * anchor[5]
    return tuple(x.astype(DTYPES[dtype]) for x in (anchor, positive, negative))


INPUTS: dict[str, Callable[[str], tuple]] = {
    "hinge": two_classes,
    "squared_hinge": two_classes,
    "multiclass_hinge": several_classes,
    "cosine_loss": directions,
    "triplet": triplets,
}


# ---- what is allowed


def hinge_want(scores: np.ndarray, labels: np.ndarray, **given: Any) -> Want:
    return ulps(oracle.hinge(wide(scores), labels, **given), 1, str(scores.dtype), scale=1.0)


def squared_hinge_want(scores: np.ndarray, labels: np.ndarray, **given: Any) -> Want:
    dtype, value = str(scores.dtype), oracle.squared_hinge(wide(scores), labels, **given)
    return ulps(value, 4, dtype)


def multiclass_hinge_sizes(scores: np.ndarray, labels: np.ndarray, form: str) -> np.ndarray:
    """The sum of the absolute values of all that is added; a rival of minus infinity is not."""
    size = np.where(np.isinf(scores), 0, np.abs(wide(scores)))
    if form == "crammer-singer":
        return 1 + 2 * size.max(-1)
    each = 1 + size + np.take_along_axis(size, labels[..., None], -1)
    return each.sum(-1) / (scores.shape[-1] if form == "weston-watkins-mean" else 1)


def multiclass_hinge_want(
    scores: np.ndarray, labels: np.ndarray, *, form: str = "crammer-singer", **given: Any
) -> Want:
    value = oracle.multiclass_hinge(wide(scores), labels, form=form, **given)
    return bound(value, multiclass_hinge_sizes(scores, labels, form), scores.shape[-1] + 2, str(scores.dtype))


def cosine_loss_want(prediction: np.ndarray, target: np.ndarray, **given: Any) -> Want:
    value = oracle.cosine_loss(wide(prediction), wide(target), **given)
    (a, _), (b, _) = oracle.unit(wide(prediction)), oracle.unit(wide(target))
    return bound(value, 1 + np.abs(a * b).sum(-1), 2 * prediction.shape[-1] + 6, str(prediction.dtype), factor=1.0)


def triplet_want(*arrays: np.ndarray, distance: str = "squared", margin: float, **given: Any) -> Want:
    anchor, positive, negative = wide(arrays)
    value = oracle.triplet(anchor, positive, negative, distance=distance, margin=margin, **given)
    size = sum(oracle.length_between(anchor - x, distance) for x in (positive, negative)) + margin
    return bound(value, size, anchor.shape[-1] + 4, str(arrays[0].dtype), factor=1.0)


VALUES: dict[str, Callable[..., Want]] = {
    "hinge": hinge_want,
    "squared_hinge": squared_hinge_want,
    "multiclass_hinge": multiclass_hinge_want,
    "cosine_loss": cosine_loss_want,
    "triplet": triplet_want,
}


def value_cases(operation: str, readings: dict, note: str = "") -> Iterator[Case]:
    """The operation's own inputs in every dtype."""
    want = reduced_want(operation, read(readings))
    for dtype in DTYPES:
        yield call(operation, *INPUTS[operation](dtype), **MARGIN.get(operation, {}), **NONE, want=want, note=note)


def reduced_want(operation: str, chosen: dict) -> Callable[..., Want]:
    """The bound of the sum: what each loss may be off by, and the additions."""

    def want(*arrays: np.ndarray, reduction: str, **given: Any) -> Want:
        each = VALUES[operation](*arrays, reduction="none", **chosen, **given)
        if reduction == "none":
            return each
        n = each.value.size
        share = 1 / n if reduction == "mean" else 1
        total, size = share * each.value.sum(), share * (np.abs(each.value) + each.allowed).sum()
        summed = bound(total, size, n, each.dtype)
        allowed = summed.allowed + share * each.allowed.sum()
        return Want(summed.value, allowed, summed.flushed, summed.dtype, summed.tolerance)

    return want


# ---- values


@clause("hinge.value")
def test_hinge() -> Iterator[Case]:
    for dtype in DTYPES:
        scores = real_numbers(dtype, largest=1e4)
        yield call(
            "hinge", scores, signed(scores), **NONE, want=reduced_want("hinge", {}), note="the sign of the label"
        )


@clause("squared-hinge.value")
def test_squared_hinge() -> Iterator[Case]:
    for dtype in DTYPES:
        scores = real_numbers(dtype, largest=200.0)
        want = reduced_want("squared_hinge", {})
        yield call("squared_hinge", scores, signed(scores), **NONE, want=want, note="the square of 1")


@clause("multiclass-hinge.form")
def test_multiclass_hinge_form(readings: dict) -> Iterator[Case]:
    yield from value_cases("multiclass_hinge", readings, "another form under the same name")


@clause("multiclass-hinge.negative-scores")
def test_negative_scores(readings: dict) -> Iterator[Case]:
    def want(scores: np.ndarray, labels: np.ndarray, **given: Any) -> Want:
        return multiclass_hinge_want(scores, labels, **read(readings), **given)

    for offset in (-8.0, 8.0, -1024.0):
        arrays = several_classes("float32", offset)
        yield call("multiclass_hinge", *arrays, **NONE, want=want, note="the label's zeroed score counted as a rival")


@clause("cosine-loss.sign")
def test_cosine_loss_sign(readings: dict) -> Iterator[Case]:
    yield from value_cases("cosine_loss", readings, "the sign, or the 1")


def scaled_directions(readings: dict, exponents: tuple[tuple[int, int], ...]) -> Iterator[Case]:
    prediction, target = directions("float32")

    def want(prediction: np.ndarray, target: np.ndarray, **given: Any) -> Want:
        return cosine_loss_want(prediction, target, **read(readings), **given)

    for first, second in exponents:
        scaled = (np.ldexp(prediction, first), np.ldexp(target, second))
        yield call("cosine_loss", *scaled, **NONE, want=want, note="an epsilon, or a square that overflows")


@clause("cosine-loss.scale")
def test_cosine_loss_scale(readings: dict) -> Iterator[Case]:
    yield from scaled_directions(readings, ((8, -7), (-6, 0), (0, 12)))


@clause("cosine-loss.extremes")
def test_cosine_loss_extremes(readings: dict) -> Iterator[Case]:
    yield from scaled_directions(readings, ((-80, 0), (0, 80), (90, -90), (-80, -80)))

    def want(*operands: np.ndarray, **given: Any) -> tuple[Want, ...]:
        return cosine_loss_gradients(*operands, **read(readings), **given)

    prediction, target = directions("float32")
    scaled, g = (np.ldexp(prediction, -80), np.ldexp(target, 60)), powers_of_two(len(target), "float32")
    yield gradient("cosine_loss", *scaled, cotangents=g, **NONE, want=want, note="a floor under the length")


@clause("triplet.distance")
def test_triplet_distance(readings: dict) -> Iterator[Case]:
    yield from value_cases("triplet", readings, "another distance")

    def want(*arrays: np.ndarray, **given: Any) -> Want:
        return triplet_want(*arrays, **read(readings), **given)

    far = [np.ldexp(x, 20) for x in triplets("float32")]
    yield call("triplet", *far, margin=0.5, **NONE, want=want, note="large losses are cut off")


@clause("triplet.margin-zero")
def test_triplet_margin_zero(readings: dict) -> Iterator[Case]:
    def want(*arrays: np.ndarray, **given: Any) -> Want:
        return triplet_want(*arrays, **read(readings), **given)

    yield call("triplet", *triplets("float32"), margin=0.0, **NONE, want=want, note="0 is taken for none")


@clause("triplet.default-margin")
def test_triplet_default_margin(readings: dict, default: float) -> Iterator[Case]:
    def want(*arrays: np.ndarray, **given: Any) -> Want:
        return triplet_want(*arrays, margin=default, **read(readings), **given)

    yield call("triplet", *triplets("float32"), **NONE, want=want, note="another margin")


@clause("triplet.offset")
def test_triplet_offset(readings: dict) -> Iterator[Case]:
    far = [x + np.float32(4096) for x in triplets("float32")]  # rounded to steps of 2**-11, and so exact as they are

    def want(*arrays: np.ndarray, **given: Any) -> Want:
        return triplet_want(*arrays, **read(readings), **given)

    yield call("triplet", *far, margin=0.5, **NONE, want=want, note="distances from products cancel")


# ---- gradients


def hinge_gradients(scores: np.ndarray, labels: np.ndarray, g: np.ndarray, **given: Any) -> tuple[Want, ...]:
    (value,) = oracle.hinge_vjp(wide(scores), labels, wide(g), **given)
    return (ulps(value, 0, str(scores.dtype)),)


def squared_hinge_gradients(scores: np.ndarray, labels: np.ndarray, g: np.ndarray, **given: Any) -> tuple[Want, ...]:
    (value,) = oracle.squared_hinge_vjp(wide(scores), labels, wide(g), **given)
    return (ulps(value, 4, str(scores.dtype)),)


def multiclass_hinge_gradients(scores: np.ndarray, labels: np.ndarray, g: np.ndarray, **given: Any) -> tuple[Want, ...]:
    (value,) = oracle.multiclass_hinge_vjp(wide(scores), labels, wide(g), **given)
    return (bound(value, np.abs(value), scores.shape[-1], str(scores.dtype)),)


def cosine_loss_gradients(prediction: np.ndarray, target: np.ndarray, g: np.ndarray, **given: Any) -> tuple[Want, ...]:
    x, y, n = wide(prediction), wide(target), prediction.shape[-1]
    values = oracle.cosine_loss_vjp(x, y, wide(g), **given)
    (a, length_a), (b, length_b) = oracle.unit(x), oracle.unit(y)
    cosine, wants = np.abs(a * b).sum(-1, keepdims=True), []
    for value, own, other, length in zip(values, (a, b), (b, a), (length_a, length_b), strict=True):
        size = np.abs(wide(g))[..., None] / length * (np.abs(other) + cosine * np.abs(own))
        wants.append(bound(value, size, 2 * n + 8, str(prediction.dtype)))
    return tuple(wants)


def triplet_gradients(*operands: np.ndarray, distance: str = "squared", **given: Any) -> tuple[Want, ...]:
    *arrays, g = operands
    anchor, positive, negative = wide(tuple(arrays))
    values = oracle.triplet_vjp(anchor, positive, negative, wide(g), distance=distance, **given)
    weight = np.abs(wide(g))[..., None]
    near, far = (weight * np.abs(oracle.distance_slope(anchor - x, distance)) for x in (positive, negative))
    sizes = (near + far, near, far)
    dtype, terms = str(arrays[0].dtype), anchor.shape[-1] + 6
    wants = [bound(value, size, terms, dtype) for value, size in zip(values, sizes, strict=True)]
    if distance in ("shifted", "padded"):  # an epsilon that half precision rounds, beside differences as small as it
        off = [weight * rounded_epsilon(anchor - x, distance, dtype) for x in (positive, negative)]
        moved = (off[0] + off[1], *off)
        wants = [replace(want, allowed=want.allowed + more) for want, more in zip(wants, moved, strict=True)]
    return tuple(wants)


def rounded_epsilon(difference: np.ndarray, distance: str, dtype: str) -> np.ndarray:
    """How far the gradient of the distance moves when its epsilon moves by half a unit in the last place."""
    half, length = float(ulp(oracle.EPSILON, dtype)) / 2, oracle.length_between(difference, distance)[..., None]
    if distance == "padded":
        return half * np.abs(difference) / (2 * length**3)
    return half * (1 + np.sqrt(difference.shape[-1])) / length * np.ones_like(difference)


GRADIENTS: dict[str, Callable[..., tuple[Want, ...]]] = {
    "hinge": hinge_gradients,
    "squared_hinge": squared_hinge_gradients,
    "multiclass_hinge": multiclass_hinge_gradients,
    "cosine_loss": cosine_loss_gradients,
    "triplet": triplet_gradients,
}


def powers_of_two(count: int, dtype: str) -> np.ndarray:
    """Cotangents that differ and multiply exactly."""
    return np.resize(np.array([1.0, -0.5, 2.0, 0.25, -1.0], DTYPES[dtype]), (count,))


@clause("margins.gradient")
def test_gradient(operation: str, readings: dict) -> Iterator[Case]:
    want, given = reduced_gradients(operation, readings), MARGIN.get(operation, {})
    for dtype in GRADIENT_DTYPES:
        arrays = INPUTS[operation](dtype)
        asked = {"cotangents": powers_of_two(len(arrays[0]), dtype), **given, **NONE}
        yield gradient(operation, *arrays, **asked, want=want, note="sign, factor, or a mean over the batch")
    for reduction in ("mean", "sum"):
        arrays = INPUTS[operation]("float32")
        asked = {"cotangents": np.array(0.75, np.float32), **given, "reduction": reduction}
        yield gradient(operation, *arrays, **asked, want=want, note=reduction)


def reduced_gradients(operation: str, readings: dict) -> Callable[..., tuple[Want, ...]]:
    """The gradient of a mean or a sum: that of the losses, each with its share of the cotangent."""

    def want(*operands: np.ndarray, reduction: str, **given: Any) -> tuple[Want, ...]:
        *arrays, g = operands
        if reduction == "none":
            return GRADIENTS[operation](*operands, **read(readings), **given, **NONE)
        n = len(arrays[0])
        shares = np.full(n, g / (n if reduction == "mean" else 1), np.float32)
        each = GRADIENTS[operation](*arrays, shares, **read(readings), **given, **NONE)
        return tuple(replace(one, allowed=one.allowed + 2 * ulp(one.value, one.dtype)) for one in each)

    return want


@clause("cosine-loss.second-derivative")
def test_cosine_loss_second_derivative(readings: dict) -> Iterator[Case]:
    def want(prediction: np.ndarray, target: np.ndarray, along: np.ndarray, **given: Any) -> Want:
        x, y, v = wide(prediction), wide(target), wide(along)
        (a, length), (b, _) = oracle.unit(x), oracle.unit(y)
        value = oracle.cosine_loss_second_derivative(x, y, v, **read(readings), **given)
        of_a, of_b, cosine = (np.abs(p * q).sum(-1, keepdims=True) for p, q in ((a, v), (b, v), (a, b)))
        size = np.abs(b) * of_a + np.abs(a) * of_b + cosine * (np.abs(v) + 3 * np.abs(a) * of_a)
        return bound(value, size / length**2, 4 * x.shape[-1] + 16, str(prediction.dtype))

    for dtype in ("float32", "float64"):
        given = directions(dtype)
        along = normal_draws(37, given[0].shape, dtype)
        yield second_derivative("cosine_loss", *given, along=along, **NONE, want=want, note="a constant length")


@clause("squared-hinge.second-derivative")
def test_second_derivative() -> Iterator[Case]:
    for dtype in ("float32", "float64"):
        given = two_classes(dtype)
        want = exact(oracle.squared_hinge_second_derivative(*given), dtype)
        yield second_derivative("squared_hinge", *given, **NONE, want=want, note="a slope that is held constant")
