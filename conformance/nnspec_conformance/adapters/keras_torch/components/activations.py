"""Keras calls PyTorch's kernels, which do and fail the same as without Keras."""

from __future__ import annotations

from nnspec_conformance.adapters.torch.components import activations

VARIANTS = activations.VARIANTS | {"softmax.long-rows[log_softmax]": "wide"}  # cast to float32 first
SUBNORMALS = activations.SUBNORMALS
KNOWN_FAILURES = activations.KNOWN_FAILURES
