"""The reference's attention."""

from __future__ import annotations

from nnspec.architectures.transformer.attention import attention as attention
