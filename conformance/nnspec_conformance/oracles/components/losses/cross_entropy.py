"""Cross-entropy and the Kullback-Leibler divergence, and their gradients, in NumPy, written from the clauses.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64.
"""

from __future__ import annotations

import numpy as np

from nnspec_conformance.oracles.components.activations import log_softmax, sigmoid, softmax, softplus
from nnspec_conformance.oracles.sums import along_row, summed

# ---- what several of them share


def mean_of(total, count, empty_mean="zero"):
    """The sum over the count; 0 / 0 as declared."""
    if count:
        return total / total.dtype.type(count)
    return np.zeros_like(total) if empty_mean == "zero" else np.full_like(total, np.nan)


def reduced(losses, reduction, empty_mean="zero", count=None, narrow=None):
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"no reduction {reduction!r}")
    if reduction == "none":
        return losses
    total = summed(losses, narrow=narrow)
    return total if reduction == "sum" else mean_of(total, losses.size if count is None else count, empty_mean)


def per_example(cotangents, shape, reduction, count=None):
    """The cotangent of each loss, from that of what was handed out."""
    if reduction == "mean":
        count = np.prod(shape) if count is None else count
        cotangents = cotangents / count if count else 0 * cotangents
    return np.broadcast_to(cotangents, shape)


def check_smoothing(label_smoothing):
    if not 0 <= label_smoothing < 1:
        raise ValueError(f"label_smoothing must be at least 0 and less than 1, got {label_smoothing}")


def check_labels(labels, classes, ignore_label=None):
    wrong = (labels < 0) | (labels >= classes)
    if ignore_label is not None:
        wrong &= labels != ignore_label
    if np.any(wrong):
        raise ValueError(f"a label is none of {classes} classes")


def check_shapes(prediction, target):
    if prediction.shape != target.shape:
        raise ValueError(f"the target has shape {target.shape} and the prediction {prediction.shape}")


def check_probabilities(p, axis=None):
    if np.any(p < 0) or np.any(p > 1):
        raise ValueError("a probability is outside [0, 1]")
    if axis is not None and np.any(np.abs(np.sum(p, axis) - 1) > 0.01 + 4 * float(np.finfo(p.dtype).eps)):
        raise ValueError("probabilities do not add up to 1")


def one_hot(labels, classes, dtype):
    return (labels[..., None] == np.arange(classes)).astype(dtype)


def times(t, v):
    """The product, and 0 where the factor t is, also 0 times infinity."""
    with np.errstate(invalid="ignore"):
        return np.where((t == 0) & np.isinf(v), t.dtype.type(0), t * v)


def share_of(t, p):
    """The target over the probability, 0 where the target is."""
    return np.divide(t, p, out=np.zeros_like(t + p), where=t != 0)


def log(p, clipping="none", *, prediction=True):
    """The logarithm of probabilities in the reading of cross-entropy.clipping."""
    with np.errstate(divide="ignore"):
        if clipping == "seven-digits":
            tiny, one = p.dtype.type(1e-7), p.dtype.type(1)
            return np.log(np.clip(p, tiny, one - tiny if prediction else one))
        return np.maximum(np.log(p), -100) if clipping == "hundred" else np.log(p)


# ---- weights of the examples


def of_examples(
    losses, weights, reduction, *, weighted_mean="weights", zero_weights="zero", zero_times_infinity="left-out",
    empty_mean="zero", narrow=None,
):  # fmt: skip
    """The losses times their weights, or the reduction of these products."""
    if weights is None:
        return reduced(losses, reduction, empty_mean, narrow=narrow)
    check_shapes(losses, weights)
    with np.errstate(invalid="ignore"):
        products = weights * losses
    if zero_times_infinity == "left-out":
        products = np.where(weights == 0, 0, products)
    return reduced(
        products.astype(losses.dtype), reduction, zero_weights if losses.size else empty_mean,
        weight_of(losses.shape, weights, weighted_mean, narrow), narrow,
    )  # fmt: skip


def weight_of(shape, weights, weighted_mean="weights", narrow=None):
    """What a mean divides by."""
    return int(np.prod(shape)) if weights is None or weighted_mean == "count" else summed(weights, narrow=narrow)


def weighted_cotangents(cotangents, weights, shape, reduction, weighted_mean="weights"):
    """The cotangent of each unweighted loss."""
    g = per_example(cotangents, shape, reduction, weight_of(shape, weights, weighted_mean))
    return g if weights is None else g * weights


def split(rest):
    """The weights of the examples, if there are any, and what comes last."""
    *weights, last = rest
    return (weights[0] if weights else None), last, tuple(map(np.zeros_like, weights))


# ---- from logits


def softmax_cross_entropy_with_integer_labels(
    logits, labels, class_weights=None, *, label_smoothing=0.0, ignore_label=None, reduction="none",
    weighted_mean="weights", ignored_mean="kept", all_ignored="zero", zero_weights="zero", smoothed_weights="class",
    empty_mean="zero", row_sums=None, narrow=None,
):  # fmt: skip
    a, kept = shares(logits, labels, class_weights, label_smoothing, ignore_label, smoothed_weights)
    losses = -along_row(times(a, log_shares(logits, row_sums)), row_sums)[..., 0]
    count = divisor(labels, class_weights, kept, weighted_mean, ignored_mean, narrow) if kept.any() else 0
    nothing = empty_mean if not labels.size else zero_weights if kept.any() else all_ignored
    return reduced(losses, reduction, nothing, count, narrow)


def shares(logits, labels, class_weights, label_smoothing, ignore_label, smoothed_weights="class"):
    """What each logarithm is multiplied by, and which examples count."""
    classes = logits.shape[-1]
    if labels.shape != logits.shape[:-1]:
        raise ValueError(f"labels have shape {labels.shape} and logits {logits.shape}")
    check_smoothing(label_smoothing)
    check_labels(labels, classes, ignore_label)
    kept = np.ones(labels.shape, bool) if ignore_label is None else labels != ignore_label
    y = one_hot(labels, classes, logits.dtype)
    t = (1 - label_smoothing) * y + label_smoothing / classes
    if class_weights is not None:
        if np.any(class_weights < 0):
            raise ValueError("a class weight is negative")
        t = t * (class_weights if smoothed_weights == "class" else np.sum(class_weights * y, -1, keepdims=True))
    return (t * kept[..., None]).astype(logits.dtype), kept


def divisor(labels, class_weights, kept, weighted_mean="weights", ignored_mean="kept", narrow=None):
    """What the mean divides by."""
    if class_weights is not None and weighted_mean == "weights":
        return summed(class_weights[labels[kept].astype(np.int64)], narrow=narrow)
    return kept.sum() if ignored_mean == "kept" else kept.size


def softmax_cross_entropy_with_integer_labels_vjp(logits, labels, *rest, reduction="none", **given):
    """The class weights are a constant of the loss, and have no gradient."""
    *weights, cotangents = rest
    w = weights[0] if weights else None
    told = (given.get(name, default) for name, default in (("weighted_mean", "weights"), ("ignored_mean", "kept")))
    a, kept = shares(
        logits, labels, w, given.get("label_smoothing", 0.0), given.get("ignore_label"),
        given.get("smoothed_weights", "class"),
    )  # fmt: skip
    g = per_example(cotangents, labels.shape, reduction, divisor(labels, w, kept, *told))[..., None]
    return (g * pulled_back(logits, a, given.get("row_sums")), *map(np.zeros_like, weights))


def softmax_cross_entropy_with_integer_labels_second_derivative(logits, labels, *rest, **given):
    weights, along, _ = split(rest)
    smoothing, ignored = given.get("label_smoothing", 0.0), given.get("ignore_label")
    a, _ = shares(logits, labels, weights, smoothing, ignored, given.get("smoothed_weights", "class"))
    return curved(logits, a, along)


def log_shares(logits, row_sums=None):
    """The logarithms of the probabilities."""
    if row_sums is None:
        return log_softmax(logits)
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(along_row(np.exp(shifted), row_sums))


def pulled_back(logits, a, row_sums=None):
    """The gradient of minus the sum of shares times log-probabilities."""
    p = softmax(logits) if row_sums is None else np.exp(log_shares(logits, row_sums))
    return p * a.sum(-1, keepdims=True) - a


def curved(logits, a, v):
    """The second derivatives of the same sum along a direction: the shares times (diag(p) - p p^T) v."""
    p = softmax(logits)
    return a.sum(-1, keepdims=True) * p * (v - (p * v).sum(-1, keepdims=True))


def smoothed(logits, target, label_smoothing):
    check_smoothing(label_smoothing)
    check_shapes(logits, target)
    return ((1 - label_smoothing) * target + label_smoothing / logits.shape[-1]).astype(logits.dtype)


def softmax_cross_entropy(
    logits, target, sample_weights=None, *, label_smoothing=0.0, reduction="none", row_sums=None, **readings
):
    t = smoothed(logits, target, label_smoothing)
    losses = -along_row(times(t, log_shares(logits, row_sums)), row_sums)[..., 0]
    return of_examples(losses, sample_weights, reduction, **readings)


def softmax_cross_entropy_vjp(
    logits, target, *rest, label_smoothing=0.0, reduction="none", weighted_mean="weights", row_sums=None, **_
):
    weights, cotangents, constants = split(rest)
    t = smoothed(logits, target, label_smoothing)
    g = weighted_cotangents(cotangents, weights, target.shape[:-1], reduction, weighted_mean)[..., None]
    return g * pulled_back(logits, t, row_sums), -g * (1 - label_smoothing) * log_softmax(logits), *constants


def softmax_cross_entropy_second_derivative(logits, target, along, *, label_smoothing=0.0, **_):
    return curved(logits, smoothed(logits, target, label_smoothing), along)


def sigmoid_binary_cross_entropy(
    logits, target, sample_weights=None, *, positive_weight=1.0, reduction="none", **readings
):
    check_shapes(logits, target)
    losses = positive_weight * times(target, softplus(-logits)) + times(1 - target, softplus(logits))
    return of_examples(losses.astype(logits.dtype), sample_weights, reduction, **readings)


def sigmoid_binary_cross_entropy_vjp(
    logits, target, *rest, positive_weight=1.0, reduction="none", weighted_mean="weights", **_
):
    weights, cotangents, constants = split(rest)
    w, g = positive_weight, weighted_cotangents(cotangents, weights, logits.shape, reduction, weighted_mean)
    slope = (1 - target) * sigmoid(logits) - w * target * sigmoid(-logits)
    return g * slope, g * (w * softplus(-logits) - softplus(logits)), *constants


def sigmoid_binary_cross_entropy_second_derivative(logits, target, along, *, positive_weight=1.0, **_):
    return along * (1 - target + positive_weight * target) * sigmoid(logits) * sigmoid(-logits)


# ---- from probabilities


def cross_entropy_with_integer_labels(
    probabilities, labels, *, reduction="none", clipping="none", normalization="as-given", empty_mean="zero",
    narrow=None,
):  # fmt: skip
    if labels.shape != probabilities.shape[:-1]:
        raise ValueError(f"labels have shape {labels.shape} and probabilities {probabilities.shape}")
    check_labels(labels, probabilities.shape[-1])
    given = {"clipping": clipping, "normalization": normalization, "empty_mean": empty_mean, "narrow": narrow}
    return cross_entropy(
        probabilities, one_hot(labels, probabilities.shape[-1], probabilities.dtype), reduction=reduction, **given
    )


def cross_entropy_with_integer_labels_vjp(probabilities, labels, cotangents, **given):
    target = one_hot(labels, probabilities.shape[-1], probabilities.dtype)
    return cross_entropy_vjp(probabilities, target, cotangents, **given)[:1]


def cross_entropy_with_integer_labels_second_derivative(probabilities, labels, along, **given):
    target = one_hot(labels, probabilities.shape[-1], probabilities.dtype)
    return cross_entropy_second_derivative(probabilities, target, along, **given)


def cross_entropy(
    probabilities, target, *, reduction="none", clipping="none", normalization="as-given", empty_mean="zero",
    row_sums=None, narrow=None, **_,
):  # fmt: skip
    check_shapes(probabilities, target)
    check_probabilities(probabilities, -1)
    check_probabilities(target, -1)
    p = probabilities / along_row(probabilities, row_sums) if normalization == "divided" else probabilities
    return reduced(-along_row(times(target, log(p, clipping)), row_sums)[..., 0], reduction, empty_mean, narrow=narrow)


def cross_entropy_vjp(
    probabilities, target, cotangents, *, reduction="none", normalization="as-given", target_slope="zero", **_
):
    p = divided(probabilities) if normalization == "divided" else probabilities
    g = per_example(cotangents, target.shape[:-1], reduction)[..., None]
    shared = target.sum(-1, keepdims=True) / probabilities.sum(-1, keepdims=True)
    slope = -share_of(target, probabilities) + (shared if normalization == "divided" else 0)
    return g * slope, -g * target_log(p, target, target_slope)


def cross_entropy_second_derivative(probabilities, target, along, *, normalization="as-given", **_):
    whole = target.sum(-1, keepdims=True) * along.sum(-1, keepdims=True) / probabilities.sum(-1, keepdims=True) ** 2
    return along * share_of(target, probabilities**2) - (whole if normalization == "divided" else 0)


def target_log(p, t, target_slope):
    """The slope of t log p for t: the logarithm of p, and where both are 0 what cross-entropy.target-slope says."""
    if target_slope == "infinite":
        return log(p)
    if target_slope == "clipped":
        return log(p, "seven-digits", prediction=False)
    return log(np.where((t == 0) & (p == 0), 1, p))


def divided(p):
    return p / p.sum(-1, keepdims=True)


def binary_cross_entropy(
    probabilities, target, sample_weights=None, *, positive_weight=1.0, reduction="none", clipping="none",
    target_slope="zero", **readings,
):  # fmt: skip
    check_shapes(probabilities, target)
    check_probabilities(probabilities)
    p, t, w = probabilities, target, positive_weight
    if clipping == "seven-digits":
        tiny = p.dtype.type(1e-7)
        p = np.clip(p, tiny, 1 - tiny)
    losses = w * times(t, -log(p, clipping)) + times(1 - t, -log_of_rest(p, clipping))
    return of_examples(losses.astype(p.dtype), sample_weights, reduction, **readings)


def log_of_rest(p, clipping="none"):
    """The logarithm of 1 - p."""
    with np.errstate(divide="ignore"):
        return np.maximum(np.log1p(-p), -100) if clipping == "hundred" else np.log1p(-p)


def binary_cross_entropy_vjp(
    probabilities, target, *rest, positive_weight=1.0, reduction="none", weighted_mean="weights", target_slope="zero",
    **_,
):  # fmt: skip
    weights, cotangents, constants = split(rest)
    p, t, w = probabilities, target, positive_weight
    g = weighted_cotangents(cotangents, weights, target.shape, reduction, weighted_mean)
    q = np.clip(p, p.dtype.type(1e-7), 1 - p.dtype.type(1e-7)) if target_slope == "clipped" else p
    with np.errstate(divide="ignore"):
        yes, no = np.log(q), np.log1p(-q)
    if target_slope == "zero":
        yes, no = np.where((t == 0) & (p == 0), 0, yes), np.where((t == 1) & (p == 1), 0, no)
    return g * (share_of(1 - t, 1 - p) - w * share_of(t, p)), g * (no - w * yes), *constants


def binary_cross_entropy_second_derivative(probabilities, target, along, *, positive_weight=1.0, **_):
    p, t = probabilities, target
    return along * (share_of(1 - t, (1 - p) ** 2) + positive_weight * share_of(t, p**2))


# ---- divergence


def kl_divergence(
    p, q, *, reduction="none", direction="first-from-second", divisor="examples", clipping="none", empty_mean="zero",
    row_sums=None, narrow=None,
):  # fmt: skip
    check_shapes(p, q)
    check_probabilities(p, -1)
    check_probabilities(q, -1)
    if direction == "second-from-first":
        p, q = q, p
    log_p, log_q = log(p, clipping, prediction=False), log(q, clipping, prediction=False)
    if clipping == "seven-digits":
        p = np.maximum(p, p.dtype.type(1e-7))
    with np.errstate(invalid="ignore"):
        terms = np.where(p == 0, p.dtype.type(0), p * (log_p - log_q))
    count = p.size if divisor == "elements" else None
    return reduced(along_row(terms, row_sums)[..., 0], reduction, empty_mean, count, narrow)


def kl_divergence_vjp(p, q, cotangents, *, reduction="none", direction="first-from-second", divisor="examples", **_):
    swapped = direction == "second-from-first"
    p, q = (q, p) if swapped else (p, q)
    g = per_example(cotangents, p.shape[:-1], reduction, p.size if divisor == "elements" else None)[..., None]
    gradients = g * (np.log(p / q) + 1), -g * p / q
    return gradients[::-1] if swapped else gradients


def kl_divergence_second_derivative(p, q, along, *, direction="first-from-second", **_):
    return along * (q / p**2 if direction == "second-from-first" else 1 / p)
