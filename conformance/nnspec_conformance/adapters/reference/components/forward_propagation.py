"""The reference's forward propagation."""

from __future__ import annotations

from nnspec.components import forward_propagation

forward = forward_propagation.forward
