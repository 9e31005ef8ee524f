"""The reference's embeddings."""

from __future__ import annotations

from nnspec.architectures.transformer import embedding as topic

embedding = topic.embedding
padded_embedding = topic.padded_embedding
tied_logits = topic.tied_logits
tied_embedding = topic.tied_embedding
