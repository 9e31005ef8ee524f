"""Convolutions on PyTorch, which Keras calls."""

from __future__ import annotations

from nnspec_conformance.adapters.torch.architectures import convolutional_autoencoder

KNOWN_FAILURES = convolutional_autoencoder.SMALL
