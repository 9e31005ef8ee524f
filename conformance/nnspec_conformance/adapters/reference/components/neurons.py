"""The reference's neurons."""

from __future__ import annotations

from nnspec.components import neurons

neuron = neurons.neuron
perceptron = neurons.perceptron
