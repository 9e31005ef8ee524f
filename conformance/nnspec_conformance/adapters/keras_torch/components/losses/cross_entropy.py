"""Keras' losses on PyTorch."""

from __future__ import annotations

LOSSES = "https://github.com/keras-team/keras/blob/master/keras/src/losses/losses.py"
MEAN = "in float64 the loss has the digits of float32: the mean over the last axis is computed in it; " + LOSSES
KNOWN_FAILURES = {
    "cross-entropy.value[sigmoid_binary_cross_entropy]; float64": MEAN,
    "cross-entropy.clipping[binary_cross_entropy]; float64": MEAN,
    "cross-entropy.clipping[kl_divergence]; float64": (
        "in float64 the clipped loss is off by 1e-8: the bound 1e-7 of the clip is rounded to float32; " + LOSSES
    ),
}
