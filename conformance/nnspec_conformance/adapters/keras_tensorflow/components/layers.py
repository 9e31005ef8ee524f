"""What the sums of any dense layer on TensorFlow are in half precision."""

from __future__ import annotations

VARIANTS = dict.fromkeys(("dense.long-sums", "mlp.long-sums"), "rounded")  # the bias's gradient, which stops growing
