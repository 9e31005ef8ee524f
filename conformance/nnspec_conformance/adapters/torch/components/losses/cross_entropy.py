"""The losses of ``torch.nn.functional``; its class axis is the second one."""

from __future__ import annotations

import torch
import torch.nn.functional as F

VARIANTS = {
    "cross-entropy.clipping[binary_cross_entropy]": "hundred",
    "cross-entropy.empty-mean": "nan",
    "cross-entropy.long-rows[softmax_cross_entropy_with_integer_labels]": "rounded",  # as log-softmax is
    "cross-entropy.long-rows[softmax_cross_entropy]": "rounded",  # with targets of 0 even NaN in float16
    "cross-entropy.long-rows[kl_divergence]": "rounded",  # the logarithms of the adapter and the function's own
    # 80,000 losses and their number are infinite in float16, the mean NaN
    "cross-entropy.long-sums[softmax_cross_entropy_with_integer_labels]": "rounded",
    "cross-entropy.long-sums[cross_entropy_with_integer_labels]": "rounded",
    "cross-entropy.long-sums[softmax_cross_entropy]": "rounded",
    "cross-entropy.target-slope[binary_cross_entropy]": "infinite",
    "cross-entropy.zero-weights[softmax_cross_entropy_with_integer_labels]": "nan",
    "ignored-labels.all-ignored": "nan",
    "kl-divergence.direction": "second-from-first",
    "kl-divergence.divisor": "elements",
    "sample-weights.weighted-mean": "count",
    "sample-weights.zero-times-infinity": "multiplied",
}
DEFAULTS = {"cross-entropy.default-reduction": "mean", "ignored-labels.default-label": -100}

FUNCTIONAL = "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/functional.py"
KERNELS = "https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/LossNLL.cpp"
SMOOTHING = (
    "label_smoothing -0.1 and 1.0 are taken, right is a refusal outside [0, 1): only values above 1 are refused "
    "(inferred from the numbers); https://github.com/pytorch/pytorch/issues/134767"
)  # fmt: skip
# Measured: what was asked, what came, what is right, and why.
KNOWN_FAILURES = {
    "cross-entropy.certain-gradient[cross_entropy_with_integer_labels]": (
        "at a probability of 0 the gradient is NaN, right is 0: nll_loss sends 0 back to torch.log, whose slope is "
        "infinite there; https://github.com/pytorch/pytorch/issues/1620"
    ),
    "softmax-cross-entropy.minus-infinity[softmax_cross_entropy]": (
        "a logit of -inf at a class of target 0 gives NaN, right is the loss of the other logits: 0 is multiplied by "
        "the log-probability -inf (inferred from the numbers); integer labels are right; "
        "searched 2026-11-27, not found; " + KERNELS
    ),
    "sigmoid-binary-cross-entropy.confident": (
        "a logit of -80 with the label 0 costs 0 in float64, right is 1.8e-35: (1 - t) x cancels against a "
        "large number; https://github.com/pytorch/pytorch/issues/195529"
    ),
    "duty.nan[sigmoid_binary_cross_entropy]": (
        "a logit of -inf with the target 0.24 costs NaN, right is inf: (1 - t) x = -inf meets log(sigmoid(x)) = -inf; "
        "https://github.com/pytorch/pytorch/issues/135359"
    ),
    "kl-divergence.both-zero": (
        "a class of probability 0 in both distributions gives NaN, right is 0: kl_div takes the logarithm of the "
        "prediction, and 0 is multiplied by -inf (inferred from the numbers); searched 2026-11-27, not found; "
        + FUNCTIONAL
    ),
    "class-weights.negative-weight": (
        "a weight of -3 is taken and gives a negative loss, right is a refusal; searched 2026-11-27, not found; "
        + FUNCTIONAL
    ),
    "softmax-cross-entropy.smoothing-range[softmax_cross_entropy_with_integer_labels]": SMOOTHING,
    "softmax-cross-entropy.smoothing-range[softmax_cross_entropy]": SMOOTHING,
    "cross-entropy.improper-probabilities[cross_entropy_with_integer_labels]": (
        "nll_loss takes any numbers for log-probabilities and does not look at them, right is a refusal; "
        "searched 2026-11-27, not found; " + FUNCTIONAL
    ),
    "cross-entropy.improper-probabilities[kl_divergence]": (
        "kl_div takes any numbers for log-probabilities and for a target, right is a refusal; "
        "https://github.com/pytorch/pytorch/issues/69230"
    ),
    **{
        f"duty.broadcasting[{name}]": (
            "one sample weight is taken for all examples, right is a refusal: weights are broadcast on purpose; "
            "https://github.com/pytorch/pytorch/pull/2161"
        )
        for name in ("sigmoid_binary_cross_entropy", "binary_cross_entropy")
    },
    "duty.broadcasting[kl_divergence]": (
        "a target of one row is broadcast to six, with a warning or none; right is a refusal; "
        "searched 2026-11-27, not found; " + FUNCTIONAL
    ),
}


def softmax_cross_entropy_with_integer_labels(logits, labels, class_weights=None, *, ignore_label=None, **given):
    if ignore_label is not None:
        given["ignore_index"] = ignore_label
    return F.cross_entropy(_classes_second(logits), labels.long(), weight=_constant(class_weights), **given)


def softmax_cross_entropy(logits, target, *weights, **given):
    if weights:
        raise NotImplementedError("torch.nn.functional.cross_entropy has weights of classes only")
    return F.cross_entropy(_classes_second(logits), _classes_second(target), **given)


def cross_entropy_with_integer_labels(probabilities, labels, **given):
    return F.nll_loss(_classes_second(torch.log(probabilities)), labels.long(), **given)


def sigmoid_binary_cross_entropy(logits, target, sample_weights=None, *, positive_weight=None, **given):
    of_yes = None if positive_weight is None else torch.tensor(positive_weight, dtype=logits.dtype)
    weight = _constant(sample_weights)
    return F.binary_cross_entropy_with_logits(logits, target, weight=weight, pos_weight=of_yes, **given)


def binary_cross_entropy(probabilities, target, sample_weights=None, *, positive_weight=None, **given):
    if positive_weight is not None:
        raise NotImplementedError("torch.nn.functional.binary_cross_entropy has no positive weight")
    return F.binary_cross_entropy(probabilities, target, weight=_constant(sample_weights), **given)


def kl_divergence(p, q, **given):
    terms = F.kl_div(torch.log(p), q, **given)
    return terms.sum(-1) if given.get("reduction") == "none" else terms  # unreduced it hands out the terms


def _constant(weights):
    # PyTorch has no gradient for weights, and refuses to be asked for it.
    return None if weights is None else weights.detach()


def _classes_second(x):
    return x.movedim(-1, 1) if x.ndim > 2 else x
