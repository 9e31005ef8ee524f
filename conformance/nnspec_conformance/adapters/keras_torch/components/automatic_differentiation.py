"""The readings that the functions of ``keras.ops`` have on PyTorch."""

from __future__ import annotations

VARIANTS = {"clamp.at-bounds": "one"}
