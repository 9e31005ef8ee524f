"""``keras.regularizers``, ``keras.constraints.MaxNorm`` and ``keras.activations.soft_shrink``."""

from __future__ import annotations

import keras

VARIANTS = {
    "l2-penalty.factor": "whole",
    "elastic-net-penalty.factor": "whole",
    "max-norm.denominator": "always",
}
KNOWN_FAILURES = {
    "max-norm.range": (
        "a limit of -1 turns the kernel around or makes it zero, right is to refuse it: no range is checked; searched "
        "2026-11-28, not found; https://github.com/keras-team/keras/blob/v3.15.1/keras/src/constraints/constraints.py"
    ),
}


def l1_penalty(x, *, strength):
    return keras.regularizers.L1(strength)(x)


def l2_penalty(x, *, strength):
    return keras.regularizers.L2(strength)(x)


def elastic_net_penalty(x, *, l1, l2):
    return keras.regularizers.L1L2(l1, l2)(x)


def soft_threshold(x, *, threshold):
    return keras.activations.soft_shrink(x, threshold)


def max_norm(kernel, *, limit):
    return keras.constraints.MaxNorm(limit, axis=0)(kernel)
