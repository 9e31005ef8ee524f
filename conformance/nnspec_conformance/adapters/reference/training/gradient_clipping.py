"""The reference's gradient clipping."""

from __future__ import annotations

from nnspec.training import gradient_clipping as topic

clip_by_value = topic.clip_by_value
clip_by_norm = topic.clip_by_norm
clip_by_global_norm = topic.clip_by_global_norm
