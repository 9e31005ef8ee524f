"""The reference's convolutional autoencoders."""

from __future__ import annotations

from nnspec.architectures import convolutional_autoencoder as topic

convolutional_autoencoder = topic.convolutional_autoencoder
tied_convolutional_autoencoder = topic.tied_convolutional_autoencoder
