"""The reference's multi-head attention."""

from __future__ import annotations

from nnspec.architectures.transformer.multi_head_attention import multi_head_attention as multi_head_attention
