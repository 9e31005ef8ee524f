"""The reference's stacks and bidirectional layers."""

from __future__ import annotations

from nnspec.architectures.stacked_recurrent import bidirectional as bidirectional
from nnspec.architectures.stacked_recurrent import stacked_recurrent as stacked_recurrent
