"""Dropout on PyTorch, where Keras divides what is kept itself."""

from __future__ import annotations

VARIANTS = {"dropout.scale-by": "quotient"}
