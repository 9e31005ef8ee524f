"""The reference's early stopping."""

from __future__ import annotations

from nnspec.training import early_stopping as topic

early_stopping = topic.early_stopping
