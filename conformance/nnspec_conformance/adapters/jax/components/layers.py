"""What the sums of any dense layer on JAX are in half precision."""

from __future__ import annotations

VARIANTS = {"dense.long-sums": "rounded"}  # the bias's gradient, a reduction in the dtype of the cotangents
