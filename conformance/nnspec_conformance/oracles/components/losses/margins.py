"""Margin and similarity losses with their gradients, in NumPy, written from the clauses.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64. Maxima
and norms are not analytic, so the gradients are written down.
"""

from __future__ import annotations

import numpy as np

EPSILON = 1e-6  # of the triplet distances that have one
AT_KINK = {"zero": 0.0, "half": 0.5, "one": 1.0}


def reduced(losses, reduction, empty):
    """The losses one by one, their mean, or their sum; the mean of none is 0, or NaN."""
    if reduction == "none":
        return losses
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction {reduction!r} is none of none, mean and sum")
    total = losses.sum(dtype=losses.dtype)
    if reduction == "sum":
        return total
    if losses.size:
        return total / losses.dtype.type(losses.size)
    return losses.dtype.type(np.nan if empty == "nan" else 0.0)


def spread(cotangents, reduction, shape):
    """The cotangent of each loss, from that of the reduced result."""
    count = max(int(np.prod(shape)), 1) if reduction == "mean" else 1
    return np.broadcast_to(cotangents / count, shape)


def active(margin, kink):
    """The slope of max(0, margin): 0 or 1, and at 0 what the reading says."""
    return np.where(margin == 0, AT_KINK[kink], (margin > 0).astype(margin.dtype)).astype(margin.dtype)


# ---- two classes


def signs(scores, labels, other_labels, broadcast):
    """The labels as -1 and 1 in the dtype of the scores."""
    if broadcast == "refused" and np.shape(labels) != np.shape(scores):
        raise ValueError(f"scores and labels have shapes {np.shape(scores)} and {np.shape(labels)}; they must be equal")
    if other_labels == "refused" and not np.isin(labels, (-1, 1)).all():
        raise ValueError("a label is neither -1 nor 1")
    if other_labels == "converted" and np.isin(labels, (0, 1)).all():
        labels = 2 * labels - 1
    return np.asarray(labels).astype(scores.dtype)


def hinge(
    scores, labels, *, reduction="none", kink="zero", other_labels="refused", broadcast="refused", empty="zero"
):  # fmt: skip
    y = signs(scores, labels, other_labels, broadcast)
    return reduced(np.maximum(1 - y * scores, 0), reduction, empty)


def hinge_vjp(
    scores, labels, cotangents, *, reduction="none", kink="zero", other_labels="refused", broadcast="refused",
    empty="zero",
):  # fmt: skip
    y = signs(scores, labels, other_labels, broadcast)
    g = spread(cotangents, reduction, scores.shape)
    return (-g * y * active(1 - y * scores, kink),)


def squared_hinge(scores, labels, *, reduction="none", other_labels="refused", broadcast="refused", empty="zero"):
    y = signs(scores, labels, other_labels, broadcast)
    return reduced(np.maximum(1 - y * scores, 0) ** 2, reduction, empty)


def squared_hinge_vjp(
    scores, labels, cotangents, *, reduction="none", other_labels="refused", broadcast="refused", empty="zero"
):  # fmt: skip
    y = signs(scores, labels, other_labels, broadcast)
    g = spread(cotangents, reduction, scores.shape)
    return (-2 * g * y * np.maximum(1 - y * scores, 0),)


# ---- several classes


def of_label(scores, labels):
    """Whether each score is that of the label."""
    classes = scores.shape[-1]
    if np.shape(labels) != scores.shape[:-1]:
        raise ValueError(f"scores {scores.shape} need labels {scores.shape[:-1]}, not {np.shape(labels)}")
    if ((labels < 0) | (labels >= classes)).any():
        raise ValueError(f"a label is outside [0, {classes})")
    return np.arange(classes) == np.asarray(labels)[..., None]


def violations(scores, labels, form):
    """By how much each class violates the margin, before the maximum with 0; minus infinity for none."""
    right = of_label(scores, labels)
    if form == "one-vs-all":
        return np.where(right, 1 - scores, 1 + scores)
    own = np.where(right, scores, 0).sum(-1, keepdims=True)
    return np.where(right, -np.inf, 1 + scores - own).astype(scores.dtype)


def multiclass_hinge(scores, labels, *, form="crammer-singer", reduction="none", kink="zero", empty="zero"):
    v = np.maximum(violations(scores, labels, form), 0)
    losses = v.max(-1, initial=0) if form == "crammer-singer" else v.sum(-1)
    if form == "weston-watkins-mean":
        losses = losses / scores.dtype.type(scores.shape[-1])
    return reduced(losses, reduction, empty)


def multiclass_hinge_vjp(
    scores, labels, cotangents, *, form="crammer-singer", reduction="none", kink="zero", empty="zero"
):  # fmt: skip
    right, v = of_label(scores, labels), violations(scores, labels, form)
    slopes = active(v, kink)
    if form == "crammer-singer":
        slopes = np.where(v == v.max(-1, keepdims=True), slopes, 0)
        slopes = slopes / np.maximum((slopes > 0).sum(-1, keepdims=True), 1)  # ties share
    if form == "weston-watkins-mean":
        slopes = slopes / scores.shape[-1]
    if form == "one-vs-all":
        by_score = np.where(right, -slopes, slopes)
    else:
        by_score = np.where(right, -np.where(right, 0, slopes).sum(-1, keepdims=True), slopes)
    g = spread(cotangents, reduction, scores.shape[:-1])
    return (g[..., None] * by_score,)


# ---- directions


def unit(x, zero_vector="zero"):
    """The vector at length 1, and its length: scaled first, so that no square overflows or underflows."""
    largest = np.abs(x).max(-1, keepdims=True, initial=0)
    scaled = x / np.where(largest > 0, largest, 1)
    length = np.sqrt((scaled * scaled).sum(-1, keepdims=True))
    if zero_vector == "nan":
        with np.errstate(invalid="ignore"):
            return scaled / length, length * largest
    return scaled / np.where(length > 0, length, 1), length * np.where(largest > 0, largest, 1)


def sign_of(sign):
    """What is added to the cosine, and its sign."""
    return {"distance": (1, -1), "negative": (0, -1), "similarity": (0, 1)}[sign]


def same_shapes(*arrays):
    if len({x.shape for x in arrays}) > 1:
        raise ValueError(f"shapes {[x.shape for x in arrays]} must be equal")


def cosine_loss(
    prediction, target, *, reduction="none", sign="distance", zero_vector="zero", gradient_zero_vector="finite",
    empty="zero",
):  # fmt: skip
    same_shapes(prediction, target)
    constant, factor = sign_of(sign)
    (a, _), (b, _) = unit(prediction, zero_vector), unit(target, zero_vector)
    return reduced(constant + factor * (a * b).sum(-1), reduction, empty)


def cosine_loss_vjp(
    prediction, target, cotangents, *, reduction="none", sign="distance", zero_vector="zero",
    gradient_zero_vector="finite", empty="zero",
):  # fmt: skip
    same_shapes(prediction, target)
    (a, length_a), (b, length_b) = unit(prediction), unit(target)
    cosine = (a * b).sum(-1, keepdims=True)
    g = sign_of(sign)[1] * spread(cotangents, reduction, prediction.shape[:-1])[..., None]
    gradients = []
    for own, other, length in ((a, b, length_a), (b, a, length_b)):
        with np.errstate(divide="ignore", invalid="ignore"):
            along = g * (other - cosine * own) / length
        at_zero = np.nan if gradient_zero_vector == "nan" else 0.0
        gradients.append(np.where(length > 0, along, at_zero).astype(own.dtype))
    return tuple(gradients)


# ---- triplets


def length_between(difference, kind):
    """The distance along the last axis, by one of its four definitions."""
    if kind == "shifted":
        difference = difference + difference.dtype.type(EPSILON)
    square = (difference * difference).sum(-1)
    if kind == "squared":
        return square
    return np.sqrt(square + square.dtype.type(EPSILON if kind == "padded" else 0))


def distance_slope(difference, kind):
    """The gradient of the distance with respect to the difference; 0 where the distance has none."""
    length = length_between(difference, kind)[..., None]
    if kind == "squared":
        return 2 * difference
    if kind == "shifted":
        difference = difference + difference.dtype.type(EPSILON)
    return difference / np.where(length > 0, length, 1)


def triplet(
    anchor, positive, negative, *, margin=1.0, distance="squared", reduction="none", kink="zero", empty="zero"
):  # fmt: skip
    same_shapes(anchor, positive, negative)
    near, far = length_between(anchor - positive, distance), length_between(anchor - negative, distance)
    return reduced(np.maximum(near - far + anchor.dtype.type(margin), 0), reduction, empty)


def triplet_vjp(
    anchor, positive, negative, cotangents, *, margin=1.0, distance="squared", reduction="none", kink="zero",
    empty="zero",
):  # fmt: skip
    same_shapes(anchor, positive, negative)
    near, far = length_between(anchor - positive, distance), length_between(anchor - negative, distance)
    slope = active(near - far + anchor.dtype.type(margin), kink)
    g = (slope * spread(cotangents, reduction, slope.shape))[..., None]
    near, far = distance_slope(anchor - positive, distance), distance_slope(anchor - negative, distance)
    return g * (near - far), -g * near, g * far
