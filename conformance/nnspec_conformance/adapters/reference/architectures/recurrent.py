"""The reference's recurrent network."""

from __future__ import annotations

from nnspec.architectures.recurrent import elman as elman
from nnspec.architectures.recurrent import elman_step as elman_step
