"""Initialization on JAX."""

from __future__ import annotations

from nnspec_conformance.adapters.keras.training.initialization import NEGATIVE

KNOWN_FAILURES = {"init.negative[normal_init]": NEGATIVE}
