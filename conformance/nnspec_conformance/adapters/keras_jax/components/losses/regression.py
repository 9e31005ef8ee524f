"""Keras' losses of regression on JAX, whose absolute value has the slope 1 at 0; it is taken of target - prediction."""

from __future__ import annotations

VARIANTS = {"absolute-error.kink[absolute_error]": "minus"}
