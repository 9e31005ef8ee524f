"""The reference's positions."""

from __future__ import annotations

from nnspec.architectures.transformer import positions

VARIANTS = {
    "sinusoidal-positions.order": ("interleaved", "halves"),
    "rotary-positions.pairs": ("interleaved", "halves"),
}

sinusoidal_positions = positions.sinusoidal_positions
rotary_positions = positions.rotary_positions
learned_positions = positions.learned_positions
