"""Convolutions on PyTorch, which Keras calls."""

from __future__ import annotations

from nnspec_conformance.adapters.torch.architectures import convolutional_autoencoder

FLOAT16 = "duty.sizes[convolutional_autoencoder]; float16"
KNOWN_FAILURES = {FLOAT16: convolutional_autoencoder.KNOWN_FAILURES[FLOAT16]}
