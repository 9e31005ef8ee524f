"""Convolutions on TensorFlow."""

from __future__ import annotations

VARIANTS = {"convolution.long-bias-sums": "rounded"}  # BiasAddGrad, which adds bfloat16 in bfloat16
