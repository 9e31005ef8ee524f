"""Keras' losses on PyTorch."""

from __future__ import annotations

NUMPY = "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/torch/numpy.py"
MEAN = (
    "in float64 the loss has the digits of float32, right is its own precision: the mean over the last axis seems to "
    "be computed in float32 (inferred from the numbers); searched 2026-11-27, not found; " + NUMPY
)
KNOWN_FAILURES = {
    "cross-entropy.clipping[binary_cross_entropy]; float64": MEAN,
    "cross-entropy.clipping[kl_divergence]; float64": (
        "in float64 the clipped loss is off by 1e-8: the bound 1e-7 of the clip seems to become a tensor of float32 "
        "(inferred from the numbers); searched 2026-11-27, not found; " + NUMPY
    ),
}
