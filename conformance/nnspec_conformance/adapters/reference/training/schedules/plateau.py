"""The reference's reduction on a plateau."""

from __future__ import annotations

from nnspec.training.schedules import plateau

reduce_on_plateau = plateau.reduce_on_plateau
