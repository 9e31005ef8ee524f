"""The reference's losses of margins."""

from __future__ import annotations

from nnspec.components.losses import margins as losses

hinge = losses.hinge
squared_hinge = losses.squared_hinge
multiclass_hinge = losses.multiclass_hinge
cosine_loss = losses.cosine_loss
triplet = losses.triplet
