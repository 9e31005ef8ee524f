"""Convolutions on PyTorch, which Keras calls."""

from __future__ import annotations

from nnspec_conformance.adapters.torch.architectures import convolutional_autoencoder

KNOWN_FAILURES = {"duty.sizes[convolutional_autoencoder]; float16": convolutional_autoencoder.FLOAT16}
