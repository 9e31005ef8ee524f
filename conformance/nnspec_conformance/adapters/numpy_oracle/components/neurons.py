"""The oracle's neurons."""

from __future__ import annotations

from nnspec_conformance.adapters.numpy_oracle.rounding import in_dtypes
from nnspec_conformance.oracles.components import neurons

neuron, neuron_vjp = in_dtypes(neurons.neuron), in_dtypes(neurons.neuron_vjp)
perceptron = neurons.perceptron
