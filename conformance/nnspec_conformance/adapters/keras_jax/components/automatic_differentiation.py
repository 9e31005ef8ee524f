"""The readings that the functions of ``keras.ops`` have on JAX."""

from __future__ import annotations

VARIANTS = {"abs.at-zero": "one", "norm.at-zero": "nan", "power.zero-exponent": "nan"}
