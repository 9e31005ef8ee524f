"""The reference's convolutional autoencoder."""

from __future__ import annotations

from nnspec.architectures.convolutional_autoencoder import convolutional_autoencoder as convolutional_autoencoder
