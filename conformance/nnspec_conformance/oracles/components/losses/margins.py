"""The losses of margins and directions, and their gradients, in NumPy, written from the clauses.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64. Maxima
and norms are not analytic, so that the gradients are written down.
"""

from __future__ import annotations

import numpy as np

from nnspec_conformance.oracles.components.losses.cross_entropy import mean_of
from nnspec_conformance.oracles.sums import along_row, summed

EPSILON = 1e-6  # of the distances that have one
COSINES = {"distance": (1.0, -1.0), "negative": (0.0, -1.0), "similarity": (0.0, 1.0)}  # what is added, and the sign

# ---- what all of them share


def handed_out(losses, reduction="none", empty_mean="zero", narrow=None):
    """The losses of all examples, or their reduction."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"no reduction {reduction!r}")
    if reduction == "none":
        return losses
    total = summed(losses, narrow=narrow)
    return total if reduction == "sum" else mean_of(total, losses.size, empty_mean)


def of_examples(cotangents, shape, reduction="none", empty_mean="zero", narrow=None):
    """The cotangent of the loss of each example, from that of what was handed out."""
    if reduction == "none":
        return cotangents
    count = max(int(np.prod(shape)), 1) if reduction == "mean" else 1
    return np.broadcast_to(cotangents / count, shape)


def same_shapes(*arrays):
    if len({x.shape for x in arrays}) > 1:
        raise ValueError(f"shapes {[x.shape for x in arrays]} must be equal")


# ---- two classes


def slack(scores, labels):
    """How much of the margin 1 is missing, and the labels in the dtype of the scores."""
    same_shapes(scores, labels)
    if not np.isin(labels, (-1, 1)).all():
        raise ValueError("a label is neither -1 nor 1")
    y = labels.astype(scores.dtype)
    return 1 - y * scores, y


def hinge(scores, labels, **how):
    return handed_out(np.maximum(slack(scores, labels)[0], 0), **how)


def hinge_vjp(scores, labels, cotangents, **how):
    """The slope of the violated side, and 0 at the kink."""
    missing, y = slack(scores, labels)
    return (-of_examples(cotangents, scores.shape, **how) * y * (missing > 0),)


def squared_hinge(scores, labels, **how):
    return handed_out(np.maximum(slack(scores, labels)[0], 0) ** 2, **how)


def squared_hinge_vjp(scores, labels, cotangents, **how):
    missing, y = slack(scores, labels)
    return (-2 * of_examples(cotangents, scores.shape, **how) * y * np.maximum(missing, 0),)


def squared_hinge_second_derivative(scores, labels, **how):
    return np.where(slack(scores, labels)[0] > 0, 2, 0).astype(scores.dtype)


# ---- several classes


def of_label(scores, labels):
    """Compare the index of each score with the label."""
    classes = scores.shape[-1]
    if labels.shape != scores.shape[:-1]:
        raise ValueError(f"scores {scores.shape} need labels {scores.shape[:-1]}, not {labels.shape}")
    if ((labels < 0) | (labels >= classes)).any():
        raise ValueError(f"a label is outside [0, {classes})")
    return np.arange(classes) == labels[..., None]


def violations(scores, right, form):
    """Give what each class adds to the margin that is missing, below 0 where none is; the label has minus infinity."""
    if form == "one-vs-all":
        return np.where(right, 1 - scores, 1 + scores)
    own = np.where(right, scores, 0).sum(-1, keepdims=True, dtype=scores.dtype)
    return np.where(right, scores.dtype.type(-np.inf), 1 + scores - own)


def multiclass_hinge(scores, labels, *, form="crammer-singer", row_sums=None, **how):
    v = np.maximum(violations(scores, of_label(scores, labels), form), 0)
    losses = v.max(-1, initial=0) if form == "crammer-singer" else along_row(v, row_sums)[..., 0]
    if form == "weston-watkins-mean":
        losses = losses / v.dtype.type(scores.shape[-1])
    return handed_out(losses, **how)


def multiclass_hinge_vjp(scores, labels, cotangents, *, form="crammer-singer", row_sums=None, **how):
    """Rivals that tie share the gradient."""
    right = of_label(scores, labels)
    v = violations(scores, right, form)
    slopes = (v > 0).astype(scores.dtype)
    if form == "crammer-singer":
        slopes = slopes * (v == v.max(-1, keepdims=True))
        slopes = slopes / np.maximum(slopes.sum(-1, keepdims=True), 1)
    if form == "weston-watkins-mean":
        slopes = slopes / scores.shape[-1]
    against = slopes if form == "one-vs-all" else along_row(slopes, row_sums)
    g = of_examples(cotangents, scores.shape[:-1], **how)
    return ((g[..., None] * np.where(right, -against, slopes)).astype(scores.dtype),)


# ---- directions


def unit(x, zero_vector="zero", row_sums=None):
    """The vector at length 1, and its length: scaled first, so that no square overflows or underflows."""
    largest = np.abs(x).max(-1, keepdims=True, initial=0)
    scaled = x / np.where(largest > 0, largest, 1)
    length = np.sqrt(along_row(scaled * scaled, row_sums))
    safe = length if zero_vector == "nan" else np.where(length > 0, length, 1)
    with np.errstate(invalid="ignore"):
        return scaled / safe, length * largest


def cosine_loss(prediction, target, *, sign="distance", zero_vector="zero", row_sums=None, **how):
    same_shapes(prediction, target)
    constant, factor = COSINES[sign]
    (a, _), (b, _) = unit(prediction, zero_vector, row_sums), unit(target, zero_vector, row_sums)
    return handed_out((constant + factor * along_row(a * b, row_sums)[..., 0]).astype(prediction.dtype), **how)


def cosine_loss_vjp(prediction, target, cotangents, *, sign="distance", zero_vector="zero", row_sums=None, **how):
    (a, length_a), (b, length_b) = unit(prediction, row_sums=row_sums), unit(target, row_sums=row_sums)
    cosine = along_row(a * b, row_sums)
    g = COSINES[sign][1] * of_examples(cotangents, prediction.shape[:-1], **how)[..., None]
    return tuple(
        np.where(length > 0, g * (other - cosine * own) / np.where(length > 0, length, 1), 0).astype(own.dtype)
        for own, other, length in ((a, b, length_a), (b, a, length_b))
    )


def cosine_loss_second_derivative(prediction, target, along, *, sign="distance", **_):
    """The matrix of second derivatives times the direction, from the closed form."""
    (a, length), (b, _) = unit(prediction), unit(target)
    cosine, of_a, of_b = ((x * y).sum(-1, keepdims=True) for x, y in ((a, b), (a, along), (b, along)))
    matrix = b * of_a + a * of_b + cosine * (along - 3 * a * of_a)
    return (-COSINES[sign][1] * matrix / length**2).astype(prediction.dtype)


# ---- triplets


def length_between(difference, distance, row_sums=None):
    """The distance along the last axis, by one of its four definitions."""
    if distance == "shifted":
        difference = difference + difference.dtype.type(EPSILON)
    square = along_row(difference * difference, row_sums)[..., 0]
    if distance == "squared":
        return square
    return np.sqrt(square + square.dtype.type(EPSILON if distance == "padded" else 0))


def distance_slope(difference, distance, row_sums=None):
    """The gradient of the distance with respect to the difference; 0 where the distance has none."""
    if distance == "squared":
        return 2 * difference
    length = length_between(difference, distance, row_sums)[..., None]
    if distance == "shifted":
        difference = difference + difference.dtype.type(EPSILON)
    return difference / np.where(length > 0, length, 1)


def nearness(anchor, positive, negative, margin, distance, row_sums=None):
    same_shapes(anchor, positive, negative)
    if not margin >= 0:
        raise ValueError(f"margin must not be negative, got {margin}")
    near, far = (length_between(anchor - x, distance, row_sums) for x in (positive, negative))
    return near - far + anchor.dtype.type(margin)


def triplet(anchor, positive, negative, *, margin=1.0, distance="squared", row_sums=None, **how):
    return handed_out(np.maximum(nearness(anchor, positive, negative, margin, distance, row_sums), 0), **how)


def triplet_vjp(anchor, positive, negative, cotangents, *, margin=1.0, distance="squared", row_sums=None, **how):
    active = nearness(anchor, positive, negative, margin, distance, row_sums) > 0
    g = (active * of_examples(cotangents, active.shape, **how))[..., None]
    near, far = (distance_slope(anchor - x, distance, row_sums) for x in (positive, negative))
    return tuple(x.astype(anchor.dtype) for x in (g * (near - far), -g * near, g * far))
