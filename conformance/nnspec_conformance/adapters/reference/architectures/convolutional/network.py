"""The reference's two networks and its order of features."""

from __future__ import annotations

from nnspec.architectures.convolutional import network

flatten_features = network.flatten_features
lenet = network.lenet
residual_network = network.residual_network
