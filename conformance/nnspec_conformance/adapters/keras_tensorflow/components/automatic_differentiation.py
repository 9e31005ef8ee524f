"""The readings that the functions of ``keras.ops`` have on TensorFlow."""

from __future__ import annotations

VARIANTS = {
    "maximum.tie": "first",
    "clamp.at-bounds": "one",
    "norm.at-zero": "nan",
    "power.zero-exponent": "nan",
    "sqrt.zero-cotangent": "zero",  # the rule of the root gives 0 for a cotangent of 0
    "where.untaken-branch": "finite",  # therefore also with one selection
}
