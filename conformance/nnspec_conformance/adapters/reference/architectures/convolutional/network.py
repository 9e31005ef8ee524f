"""The reference's order of features."""

from __future__ import annotations

from nnspec.architectures.convolutional import network

flatten_features = network.flatten_features
