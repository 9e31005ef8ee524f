"""The losses of ``torch.nn.functional``; its class axis is the second one."""

from __future__ import annotations

import torch
import torch.nn.functional as F

VARIANTS = {
    "cross-entropy.clipping[binary_cross_entropy]": "hundred",
    "cross-entropy.empty-mean": "nan",
    "ignored-labels.all-ignored": "nan",
    "kl-divergence.direction": "second-from-first",
    "kl-divergence.divisor": "elements",
}
DEFAULTS = {"cross-entropy.default-reduction": "mean"}


def softmax_cross_entropy_with_integer_labels(logits, labels, class_weights=None, *, ignore_label=None, **given):
    if ignore_label is not None:
        given["ignore_index"] = ignore_label
    weight = None if class_weights is None else class_weights.detach()  # a constant to PyTorch: it has no gradient
    return F.cross_entropy(_classes_second(logits), labels.long(), weight=weight, **given)


def softmax_cross_entropy(logits, target, **given):
    return F.cross_entropy(_classes_second(logits), _classes_second(target), **given)


def cross_entropy_with_integer_labels(probabilities, labels, **given):
    return F.nll_loss(_classes_second(torch.log(probabilities)), labels.long(), **given)


def sigmoid_binary_cross_entropy(logits, target, *, positive_weight=None, **given):
    weight = None if positive_weight is None else torch.tensor(positive_weight, dtype=logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, target, pos_weight=weight, **given)


def binary_cross_entropy(probabilities, target, **given):
    return F.binary_cross_entropy(probabilities, target, **given)


def kl_divergence(p, q, **given):
    terms = F.kl_div(torch.log(p), q, **given)
    return terms.sum(-1) if given.get("reduction") == "none" else terms  # unreduced it hands out the terms


def _classes_second(x):
    return x.movedim(-1, 1) if x.ndim > 2 else x
