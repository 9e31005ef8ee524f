"""What the sums of any transposed convolution on JAX are in half precision."""

from __future__ import annotations

VARIANTS = {"transposed-convolution.long-bias-sums": "rounded"}  # a reduction in the dtype of the cotangents
