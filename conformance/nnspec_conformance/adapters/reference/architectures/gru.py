"""The reference's gated recurrent unit, with both places of the reset gate."""

from __future__ import annotations

from nnspec.architectures.gru import gru as gru
from nnspec.architectures.gru import gru_step as gru_step

VARIANTS = {"gru.reset": ("before", "after")}
