"""The reference's residual network."""

from __future__ import annotations

from nnspec.architectures.convolutional.residual_network import residual_network as residual_network
