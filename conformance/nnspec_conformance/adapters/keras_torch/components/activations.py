"""Keras calls PyTorch's kernels, which do and fail the same as without Keras."""

from __future__ import annotations

from nnspec_conformance.adapters.torch.components import activations

VARIANTS = activations.VARIANTS
SUBNORMALS = activations.SUBNORMALS
KNOWN_FAILURES = activations.KNOWN_FAILURES
