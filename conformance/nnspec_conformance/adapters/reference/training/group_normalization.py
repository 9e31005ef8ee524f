"""The reference's group norm and instance norm."""

from __future__ import annotations

from nnspec.training import group_normalization

group_norm = group_normalization.group_norm
instance_norm = group_normalization.instance_norm
