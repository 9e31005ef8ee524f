"""Keras' losses on PyTorch."""

from __future__ import annotations

NUMPY = "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/torch/numpy.py"
MEAN = "in float64 the loss has the digits of float32: the mean over the last axis is computed in it; " + NUMPY
KNOWN_FAILURES = {
    "cross-entropy.clipping[binary_cross_entropy]; float64": MEAN,
    "cross-entropy.clipping[kl_divergence]; float64": (
        "in float64 the clipped loss is off by 1e-8: the bound 1e-7 of the clip becomes a tensor of float32; " + NUMPY
    ),
}
