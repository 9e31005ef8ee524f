"""The reference's decoder."""

from __future__ import annotations

from nnspec.architectures.transformer import decoder as topic

decoder_layer = topic.decoder_layer
decoder = topic.decoder
encoder_decoder = topic.encoder_decoder
