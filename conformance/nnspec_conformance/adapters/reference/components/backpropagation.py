"""The reference's backpropagation."""

from __future__ import annotations

from nnspec.components import backpropagation as network

backpropagation = network.backpropagation
