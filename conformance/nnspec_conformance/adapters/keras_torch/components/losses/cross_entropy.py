"""Keras' losses on PyTorch."""

from __future__ import annotations

VARIANTS = {  # as PyTorch's log-softmax is
    "cross-entropy.long-rows[softmax_cross_entropy_with_integer_labels]": "rounded",
    "cross-entropy.long-rows[softmax_cross_entropy]": "rounded",
}
DEFAULTS = {"ignored-labels.default-label": -100}  # that of torch.nn.functional, which is told no other

NARROW = "https://github.com/keras-team/keras/issues/23704"
NAMES = ("sigmoid_binary_cross_entropy", "binary_cross_entropy")
MEAN = (
    "in float64 a loss is 1.5485873222, right is 1.5485873516: the mean over the last axis is computed in float32, as "
    "result_type makes float32 of float64; " + NARROW
)
SLOPE = "in float64 a gradient is off by 2.4e-7, as the mean over the last axis is computed in float32; " + NARROW
KNOWN_FAILURES = {
    "duty.nan[sigmoid_binary_cross_entropy]": (
        "a logit of -inf with the target 0.24 costs NaN, right is inf: it is PyTorch's function, in which -inf meets "
        "log(sigmoid(x)) = -inf; https://github.com/pytorch/pytorch/issues/135359"
    ),
    **{f"cross-entropy.value[{name}]; float64": MEAN for name in NAMES},
    **{f"cross-entropy.gradient[{name}]; float64": SLOPE for name in NAMES},
    **{f"duty.linear[{name}]; float64": SLOPE for name in NAMES},
    **{f"duty.sizes[{name}]; float64": MEAN for name in NAMES},
    "sigmoid-binary-cross-entropy.confident": (
        "a logit of -80 with the label 0 costs 0, right is 1.8e-35: it is PyTorch's loss, where (1 - t) x cancels "
        "against a large number; https://github.com/pytorch/pytorch/issues/195529"
    ),
    "cross-entropy.clipping[binary_cross_entropy]; float64": MEAN,
    "cross-entropy.clipping[kl_divergence]; float64": (
        "in float64 the clipped loss is off by 1e-8: the bound 1e-7 of the clip becomes a tensor of float32; " + NARROW
    ),
}
