"""The reference's encoder."""

from __future__ import annotations

from nnspec.architectures.transformer import encoder as topic

encoder_layer = topic.encoder_layer
encoder = topic.encoder
