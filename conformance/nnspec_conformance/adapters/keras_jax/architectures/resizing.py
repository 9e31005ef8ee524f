"""Resizing on JAX, by matrices of weights."""

from __future__ import annotations

VARIANTS = {"resize.reach": "line"}
