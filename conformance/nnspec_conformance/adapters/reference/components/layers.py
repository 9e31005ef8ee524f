"""The reference's layers."""

from __future__ import annotations

from nnspec.components import layers

dense = layers.dense
mlp = layers.mlp
