"""The reference's layer norm and RMS norm."""

from __future__ import annotations

from nnspec.architectures.transformer import normalization

layer_norm = normalization.layer_norm
rms_norm = normalization.rms_norm
